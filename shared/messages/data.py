"""Rows on their way. Every body is sealed; headers and fields hold names, counts and sizes only."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.core.ids import BatchRef
from shared.core.states import Encoding, LoadMode
from shared.core.sums import SentSums


class TransformBatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="transform-batch.v1"):
    """Source rows of one batch: CSV as COPY wrote it, sealed under `batch_aad(batch, Stage.TRANSFORM)`.

    With a `body_id` the body is kept in the ledger, for a message cannot carry it, and `body` is empty. `too_large` if
    the rows have no more than their keys, all else NULL: each is to be quarantined for its size.
    """

    batch: BatchRef
    mode: LoadMode
    row_count: int
    body: bytes
    body_id: UUID | None = None
    too_large: bool = False


class LoadBatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="load-batch.v1"):
    """Target rows of one batch: a `LoadBody` in msgpack, sealed under `batch_aad(batch, Stage.LOAD)`.

    With a `body_id` the body is kept in the ledger and `body` is empty.
    """

    batch: BatchRef
    mode: LoadMode
    encoding: Encoding
    row_count: int
    body: bytes
    body_id: UUID | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a row was refused or warned about: our code, the column or rule, the SQLSTATE if the target said it."""

    code: str
    column: str = ""
    sqlstate: str = ""


class RefusedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row on its way to quarantine. `row` is JSON text of its source columns; only ever seen sealed."""

    legacy_key: str
    target_key: bytes
    reasons: tuple[Reason, ...]
    row: bytes


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """How often a warning came up in the batch."""

    reason: Reason
    count: int


class LoadBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the transformer hands to the loader.

    `rows` is a COPY stream in the encoding of the message, of the columns of `LoadProgram.columns`, `row_count` rows;
    `target_keys` holds 16 bytes a row and `legacy_keys` one text a row, both in the order of `rows`;
    `filtered_keys` holds 16 bytes for each row that `keep` left out. read = row_count + refused + filtered.
    `placeholders` has by mapping the 16-byte key of the row that missing parents may be referred to; `sums` are of the
    columns whose sums the plan wants proven. `filtered_legacy_keys` name the filtered rows, for a comparison alone.
    """

    rows: bytes
    row_count: int
    target_keys: bytes
    legacy_keys: tuple[str, ...]
    refused: tuple[RefusedRow, ...] = ()
    filtered_keys: bytes = b""
    warned: tuple[Warned, ...] = ()
    placeholders: dict[str, bytes] = {}
    filtered_legacy_keys: tuple[str, ...] = ()
    sums: tuple[SentSums, ...] = ()
