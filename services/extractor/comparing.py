"""The passes that compare, as the ledger takes them: of a verify, and those of a run that verifies itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import msgspec

from services.extractor.sampling import sampled
from shared.core.passes import COMPARISON, FIRST, SECOND, SECOND_COMPARISON
from shared.ledger.bounds import BatchBounds
from shared.ledger.planning import CutMapping

COMPARES = {FIRST: COMPARISON, SECOND: SECOND_COMPARISON}
CountRows = Callable[[str, Sequence[BatchBounds]], Awaitable[int]]
"""Counts the rows of some ranges of a mapping."""


def comparing(cuts: Sequence[CutMapping]) -> list[CutMapping]:
    """Passes of a run that does nothing but compare: all at once, in no order, the target's triggers as they are."""
    return [
        msgspec.structs.replace(cut, depends_on=(), in_seq_order=False, triggers_off=(), source_sums=None)
        for cut in cuts
    ]


def comparisons_of(cuts: Sequence[CutMapping]) -> list[CutMapping]:
    """The passes that compare what the given ones load, over the same ranges."""
    loads = [cut for cut in cuts if cut.pass_number in COMPARES]
    return [msgspec.structs.replace(cut, pass_number=COMPARES[cut.pass_number]) for cut in comparing(loads)]


async def sample_of(cuts: Sequence[CutMapping], share: float, run: UUID, count: CountRows) -> list[CutMapping]:
    """The passes over a share of their ranges; what is left out is counted as not checked, once per mapping."""
    rows: dict[str, int] = {}
    found = []
    for cut in cuts:
        bounds = sampled(cut.bounds, share, run, cut.mapping)
        if cut.mapping not in rows:
            rows[cut.mapping] = await count(cut.mapping, bounds) if bounds else 0
        left_out = cut.from_rows - rows[cut.mapping]
        found.append(
            msgspec.structs.replace(
                cut,
                bounds=bounds,
                driving_rows=cut.driving_rows - left_out,
                from_rows=rows[cut.mapping],
                not_checked=left_out if cut.pass_number == FIRST else 0,
            )
        )
    return found
