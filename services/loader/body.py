"""A load message opened: its rows still encoded, its keys counted and distinct."""

from __future__ import annotations

import asyncpg
import msgspec

from services.loader.claim import claim
from services.loader.transaction import told, transaction
from shared.core.errors import BatchError, RunError
from shared.core.ids import BatchRef
from shared.core.passes import PROGRAM_OF, SECOND
from shared.core.states import Encoding, Stage
from shared.crypto.aad import batch_aad
from shared.crypto.envelope import RunKey
from shared.ledger.bodies import body_id, read_body
from shared.ledger.settling import Claim
from shared.messages.data import LoadBatch, LoadBody

KEY_BYTES = 16
MAX_BODY_BYTES = 256 * 1024 * 1024


class OpenedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One batch in clear. Ordinals of its rows count from 1, in the order of the COPY stream."""

    batch: BatchRef
    encoding: Encoding
    body: LoadBody

    def target_key(self, ordinal: int) -> bytes:
        return self.body.target_keys[(ordinal - 1) * KEY_BYTES : ordinal * KEY_BYTES]

    def legacy_key(self, ordinal: int) -> str:
        return self.body.legacy_keys[ordinal - 1]

    @property
    def is_second(self) -> bool:
        return PROGRAM_OF.get(self.batch.pass_number) == SECOND

    @property
    def filtered_count(self) -> int:
        return len(self.body.filtered_keys) // KEY_BYTES

    @property
    def read_count(self) -> int:
        return self.body.row_count + len(self.body.refused) + self.filtered_count


def open_batch(message: LoadBatch, key: RunKey) -> OpenedBatch:
    """Unseal and check a message; CPU work for a thread.

    Raises SealBroken, and RunError where the transformer's own figures contradict each other or a key repeats.
    """
    plain = key.open_(message.body, batch_aad(message.batch, Stage.LOAD), max_plain_bytes=MAX_BODY_BYTES)
    body = msgspec.msgpack.decode(plain, type=LoadBody)
    _check(message, body)
    return OpenedBatch(batch=message.batch, encoding=message.encoding, body=body)


async def kept_body(connection: asyncpg.Connection, message: LoadBatch) -> bytes | Claim:
    """The body that the ledger keeps of a message; where it is gone, the claim that says why.

    Raises WorldError while the run's state is being changed, BatchError where the batch is open and has no body.
    """
    doing = f"reading the rows of batch {message.batch.seq} of {message.batch.mapping}"
    with told(doing):
        body = await read_body(connection, body_id(message.batch, Stage.LOAD))
    if body is not None:
        return body
    async with transaction(connection, doing):
        claimed = await claim(connection, message.batch, doing)
    if claimed is Claim.CLAIMED:
        raise BatchError(
            f"The ledger does not have the rows of a batch of {message.batch.mapping}.", code="body_missing"
        )
    return claimed


def keys_of(packed: bytes) -> list[bytes]:
    """16-byte keys of a packed list, in order."""
    return [packed[at : at + KEY_BYTES] for at in range(0, len(packed), KEY_BYTES)]


def _check(message: LoadBatch, body: LoadBody) -> None:
    mapping, keys = message.batch.mapping, keys_of(body.target_keys)
    if {message.row_count, len(body.legacy_keys), len(body.target_keys) / KEY_BYTES} != {body.row_count}:
        raise RunError(f"A batch of {mapping} has not one key per row.", code="keys_miscounted")
    if len(body.filtered_keys) % KEY_BYTES:
        raise RunError(f"A batch of {mapping} has a broken list of filtered keys.", code="keys_miscounted")
    keys += keys_of(body.filtered_keys)
    keys += [row.target_key for row in body.refused if row.target_key]
    if len(set(keys)) != len(keys):
        raise RunError(
            f"Keys repeat within a batch of {mapping}.",
            code="key_repeated",
            remedy="A join of its FROM multiplies rows, or two legacy keys read alike: correct the mapping's key.",
        )
