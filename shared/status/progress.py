"""How far: a share that says 100 only at the end."""

from __future__ import annotations

import math

from shared.core.states import RunState
from shared.ledger.snapshots import RunSnapshot
from shared.status.document import ProgressStatus

MOST_BEFORE_THE_END = 99.9


def percentage(current: int, total: int, *, is_completed: bool) -> float:
    """The settled share in per cent, rounded down to one decimal; 100 when the run is completed and only then."""
    if is_completed:
        return 100.0
    if total <= 0:
        return 0.0
    return min(math.floor(1000 * current / total) / 10, MOST_BEFORE_THE_END)


def progress_of(snapshot: RunSnapshot) -> ProgressStatus:
    """How much of the work is done: settled rows of all rows to settle, those of second passes once more."""
    return ProgressStatus(
        current=snapshot.work_done,
        total=snapshot.work_total,
        percentage=percentage(
            snapshot.work_done, snapshot.work_total, is_completed=snapshot.state is RunState.COMPLETED
        ),
        estimated=any(mapping.estimated for mapping in snapshot.mappings),
    )
