"""Which rows of its mapping a batch holds."""

from __future__ import annotations

import msgspec


class BatchBounds(msgspec.Struct, frozen=True, kw_only=True):
    """A half-open range of the key, `lower < key <= upper`, each a text per key part; None where the range is open at that end.

    `row_count` is what the cutting reader saw (stream cutting), None where it was not counted.
    """

    lower: tuple[str, ...] | None = None
    upper: tuple[str, ...] | None = None
    row_count: int | None = None
