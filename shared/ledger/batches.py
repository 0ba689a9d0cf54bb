"""One batch as the extractor reads it: its bounds, and two of it where it turns out too large."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import RunError
from shared.core.ids import BatchRef
from shared.core.states import BatchState, LoadMode, RunState
from shared.crypto.aad import bounds_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger.bounds import BatchBounds
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "batches.sql")
SEQ_STRIDE = 1024
"""Room between the numbers of a mapping that settles in `seq` order, so that halves of a split batch keep the order."""


class BatchToRead(msgspec.Struct, frozen=True, kw_only=True):
    """One batch as the ledger has it now. `snapshot` is the text of a `TakenSnapshot`.

    `since` are the ids of the snapshot that its rows were loaded from, where a comparison reads them under another one.
    """

    run_state: RunState
    mode: LoadMode
    transfuse_version: str
    snapshot: str | None
    state: BatchState
    generation: int
    bounds: BatchBounds
    key: RunKey
    since: str | None = None


async def read_batch(connection: asyncpg.Connection, batch: BatchRef, keyring: Keyring) -> BatchToRead | None:
    """The batch as the ledger has it, None when there is none. Raises SealBroken or KeyNotListed."""
    row = await connection.fetchrow(SQL["batch"], *place_of(batch))
    if row is None:
        return None
    key = RunKey(keyring.unwrap(row["wrapped"], batch.run))
    return BatchToRead(
        run_state=RunState(row["run_state"]),
        mode=LoadMode(row["mode"]),
        transfuse_version=row["transfuse_version"],
        snapshot=row["snapshot"],
        state=BatchState(row["batch_state"]),
        generation=row["generation"],
        bounds=unpacked_bounds(key, batch, row["bounds"], sealed=row["bounds_sealed"]),
        key=key,
        since=row["since"],
    )


async def split_batch(
    connection: asyncpg.Connection,
    batch: BatchRef,
    key: RunKey,
    halves: tuple[BatchBounds, BatchBounds],
    *,
    in_seq_order: bool,
) -> bool:
    """Put the first half under the batch's number, a generation on, and the second under a new one; both are planned.

    Their bounds are sealed where the batch's are: it may hold values that somebody edited, whatever its key.
    False, and nothing written, when the batch is not what it was. Raises RunError where `in_seq_order` leaves no number
    between it and the next one.
    """
    async with connection.transaction():
        row = await connection.fetchrow(SQL["lock_batch"], *place_of(batch))
        if row is None or row["state"] != BatchState.DISPATCHED or row["generation"] != batch.generation:
            return False
        around = await connection.fetchrow(SQL["next_seq"], *place_of(batch))
        seq = _between(batch.seq, around["following"]) if in_seq_order else around["last"] + 1
        if seq is None:
            raise RunError(
                f"A batch of {batch.mapping} was split so often that no number is left for its second half.",
                code="split_too_often",
                remedy="Start the run again with a smaller batch size: rows of this mapping differ very much in size.",
            )
        second = msgspec.structs.replace(batch, seq=seq, generation=1)
        first_bytes, second_bytes = (
            sealed_bounds(key, ref, bounds, sealed=row["bounds_sealed"])
            for ref, bounds in zip((batch, second), halves, strict=True)
        )
        await connection.execute(SQL["split_batch"], *place_of(batch), first_bytes)
        await connection.execute(SQL["insert_batch"], *place_of(second), second_bytes, row["bounds_sealed"])
    return True


def unpacked_bounds(key: RunKey, batch: BatchRef, packed: bytes, *, sealed: bool) -> BatchBounds:
    """A batch's bounds as the ledger keeps them. Raises SealBroken."""
    plain = key.open_(packed, bounds_aad(batch)) if sealed else packed
    return msgspec.msgpack.decode(plain, type=BatchBounds)


def sealed_bounds(key: RunKey, batch: BatchRef, bounds: BatchBounds, *, sealed: bool) -> bytes:
    """Bounds as the ledger keeps them, sealed or in clear."""
    plain = msgspec.msgpack.encode(bounds)
    return key.seal(plain, bounds_aad(batch)) if sealed else plain


def place_of(batch: BatchRef) -> tuple[UUID, str, int, int]:
    """The primary key of a batch's row."""
    return batch.run, batch.mapping, batch.pass_number, batch.seq


def _between(seq: int, following: int | None) -> int | None:
    """A number between two, None where there is none."""
    if following is None:
        return seq + SEQ_STRIDE
    return (seq + following) // 2 if following - seq > 1 else None
