"""What a seal is bound to: the additional authenticated data of bodies, rows and bounds.

Every field is preceded by its kind and length and the whole by its purpose, so that two different places never
give the same bytes: a body cut out of one batch does not open in another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from shared.core.ids import BatchRef
    from shared.core.states import Stage

__all__ = ["batch_aad", "bounds_aad", "edit_aad", "manifest_aad", "row_aad", "source_sums_aad", "sums_aad", "undo_aad"]


def batch_aad(batch: BatchRef, stage: Stage) -> bytes:
    """Bind a body to its batch, the batch's generation and the stage that reads it."""
    return _join("batch", *_batch(batch), batch.generation, stage.value)


def bounds_aad(batch: BatchRef) -> bytes:
    """Bind key bounds or a key list to their batch, whatever its generation: a new snapshot keeps the bounds."""
    return _join("bounds", *_batch(batch))


def manifest_aad(batch: BatchRef) -> bytes:
    """Bind the manifest of a settled batch to the batch, whatever its generation."""
    return _join("manifest", *_batch(batch))


def undo_aad(batch: BatchRef, what: str) -> bytes:
    """Bind a record that an undo goes by (`former`, `placeholders`) to its settled batch, whatever its generation."""
    return _join("undo", *_batch(batch), what)


def sums_aad(batch: BatchRef) -> bytes:
    """Bind the sums of a settled batch to the batch, whatever its generation."""
    return _join("sums", *_batch(batch))


def source_sums_aad(run: UUID, mapping: str) -> bytes:
    """Bind the sums that the legacy server gave for a mapping to the run and the mapping."""
    return _join("source sums", run, mapping)


def row_aad(run: UUID, row_id: UUID | int) -> bytes:
    """Bind a quarantined row or its key to the run and the row's own id."""
    return _join("row", run, row_id)


def edit_aad(run: UUID, row_id: UUID, column: str, what: str) -> bytes:
    """Bind an edited value (`new`), or what it replaces (`old`), to the refused row and the source's column."""
    return _join("edit", run, row_id, column, what)


def _batch(batch: BatchRef) -> tuple[UUID, str, int, int]:
    return batch.run, batch.mapping, batch.pass_number, batch.seq


def _join(purpose: str, *fields: UUID | str | int) -> bytes:
    return b"".join(_framed(field) for field in (purpose, *fields))


def _framed(field: UUID | str | int) -> bytes:
    if isinstance(field, UUID):
        raw = b"u" + field.bytes
    elif isinstance(field, str):
        raw = b"s" + field.encode()
    else:
        raw = b"i" + str(field).encode("ascii")
    return len(raw).to_bytes(4, "big") + raw
