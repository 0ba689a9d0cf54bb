"""Which rows of its mapping a batch holds."""

from __future__ import annotations

import msgspec


class BatchBounds(msgspec.Struct, frozen=True, kw_only=True):
    """A half-open range of the key, `lower < key <= upper`, a text per key part each; None where it is open.

    `keys` are those of the range that are wanted, a text per part each; None for all of them. `row_count` is what the
    cutting reader saw and `first_row` the number of rows before it in the order of the key (stream cutting, true only
    in the snapshot of that reader), None where they were not counted. `edits` are values, by `alias.column`, that are
    read in the place of the source's.
    """

    lower: tuple[str, ...] | None = None
    upper: tuple[str, ...] | None = None
    keys: tuple[tuple[str, ...], ...] | None = None
    row_count: int | None = None
    first_row: int | None = None
    edits: tuple[tuple[str, str | None], ...] = ()
