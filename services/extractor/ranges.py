"""Ranges of a mapping's key: joined to count them, and kept for another snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from shared.ledger.bounds import BatchBounds


def joined(ranges: Sequence[BatchBounds]) -> list[BatchBounds]:
    """The same rows in fewer ranges: neighbours that touch become one, unless they are lists of keys."""
    gaps = [(before, after) for before, after in pairwise(ranges) if not touch(before, after)]
    starts, ends = [ranges[0], *(after for _, after in gaps)], [*(before for before, _ in gaps), ranges[-1]]
    return [
        BatchBounds(lower=start.lower, upper=end.upper, keys=start.keys)
        for start, end in zip(starts, ends, strict=True)
    ]


def touch(before: BatchBounds, after: BatchBounds) -> bool:
    """Whether two ranges in order are one."""
    return before.keys is after.keys is None and before.upper is not None and before.upper == after.lower


def without_places(bounds: BatchBounds) -> BatchBounds:
    """Bounds for another snapshot: the places in the order of the key are not true there."""
    return msgspec.structs.replace(bounds, first_row=None, row_count=None)
