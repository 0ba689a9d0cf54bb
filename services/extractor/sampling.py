"""A part of a mapping's rows, chosen by ranges of its key: the same ones whenever the same run is planned."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from uuid import UUID

import msgspec

from shared.core.run_options import RunOptions
from shared.ledger.bounds import BatchBounds

RANGES = 10
"""Ranges that a sample has, where there are rows enough."""
FEWEST_ROWS = 500
"""Rows of a range below which reading it would cost more than its rows are worth."""


def finer(options: RunOptions, from_rows: int) -> RunOptions:
    """The options for cutting a mapping of so many rows, so that a sample of it lies in several places."""
    if options.sample is None:
        return options
    rows = max(FEWEST_ROWS, math.ceil(from_rows * options.sample / RANGES))
    return msgspec.structs.replace(options, batch_rows=min(options.batch_rows, rows))


def sampled(bounds: Sequence[BatchBounds], share: float, run: UUID, mapping: str) -> tuple[BatchBounds, ...]:
    """The ranges that stand for all of them, in their order: as many as the share asks for, one at least.

    They are read one by one: a stream would read all that lies between them.
    """
    if not bounds:
        return ()
    count = min(len(bounds), max(1, round(len(bounds) * share)))
    places = random.Random(f"{run} {mapping}").sample(range(len(bounds)), count)  # noqa: S311 - to be chosen again alike
    return tuple(msgspec.structs.replace(bounds[place], first_row=None, row_count=None) for place in sorted(places))
