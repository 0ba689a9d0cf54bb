"""What a run keeps of rows that it changed or removed, so that an undo can put them back: sealed, in the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from shared.core.ids import BatchRef
from shared.crypto.aad import undo_aad
from shared.crypto.envelope import RunKey

MOST_PLAIN_BYTES: Final = 1024 * 1024 * 1024
"""Former values may be larger than the rows that took their place."""


class FormerAction(StrEnum):
    """What happened to the rows: `updated`, their values are back by an update, or `deleted`, by an insert."""

    UPDATED = "updated"
    DELETED = "deleted"


class FormerRow(msgspec.Struct, frozen=True, array_like=True):
    """One row: its 16-byte target key, who wrote it before (`xmin`), its texts under the pinned session settings."""

    key: bytes
    written_by: int
    texts: tuple[str | None, ...]


class FormerRows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one batch as they were, a text for each of `columns`; of deleted rows all that are not generated."""

    action: FormerAction
    columns: tuple[str, ...]
    rows: tuple[FormerRow, ...]


class Placeholders(msgspec.Struct, frozen=True, kw_only=True):
    """Placeholder rows that a batch made: the mapping of the missing parents, the 16-byte key."""

    made: tuple[tuple[str, bytes], ...]


def seal_former(parts: Sequence[FormerRows], key: RunKey, batch: BatchRef) -> bytes | None:
    """The former rows of a batch for its manifest; None where there are none."""
    filled = [part for part in parts if part.rows]
    return key.seal(msgspec.msgpack.encode(filled), undo_aad(batch, "former")) if filled else None


def open_former(sealed: bytes | None, key: RunKey, batch: BatchRef) -> tuple[FormerRows, ...]:
    """Inverse of `seal_former`. Raises SealBroken."""
    if sealed is None:
        return ()
    plain = key.open_(sealed, undo_aad(batch, "former"), max_plain_bytes=MOST_PLAIN_BYTES)
    return msgspec.msgpack.decode(plain, type=tuple[FormerRows, ...])


def seal_placeholders(made: Sequence[tuple[str, bytes]], key: RunKey, batch: BatchRef) -> bytes | None:
    """The placeholder rows that a batch made, for its manifest; None where it made none."""
    if not made:
        return None
    return key.seal(msgspec.msgpack.encode(Placeholders(made=tuple(made))), undo_aad(batch, "placeholders"))


def open_placeholders(sealed: bytes | None, key: RunKey, batch: BatchRef) -> tuple[tuple[str, bytes], ...]:
    """Inverse of `seal_placeholders`. Raises SealBroken."""
    if sealed is None:
        return ()
    return msgspec.msgpack.decode(key.open_(sealed, undo_aad(batch, "placeholders")), type=Placeholders).made
