"""When a run is done: what is left, at the rates of the last minutes, and finishing after it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.core.states import RunState
from shared.ledger.snapshots import Pace, RunSnapshot
from shared.status.document import Eta

SHOWN_AFTER_SECONDS = 60.0
SHOWN_AFTER_SHARE = 0.02
FINISHING_SHARE = 0.03
"""Finishing took about so much of the time that the rows took."""
LONGEST_SECONDS = 365 * 86_400
"""Beyond a year nothing is foretold."""
SMOOTHED_INTERVALS = 3
"""A rate is that of half a minute: batches settle in lumps, and an interval may well have none."""


def eta_of(snapshot: RunSnapshot) -> Eta | None:
    """None before 60 seconds and 2 % of the rows, while nothing moves, and when nothing is left to come."""
    if snapshot.state is RunState.FINISHING and snapshot.phases:
        return _finishing(snapshot)
    if snapshot.state is not RunState.RUNNING or not snapshot.work_total or snapshot.started_at is None:
        return None
    settled = snapshot.work_done
    elapsed = (snapshot.read_at - snapshot.started_at).total_seconds()
    if elapsed < SHOWN_AFTER_SECONDS or settled < SHOWN_AFTER_SHARE * snapshot.work_total:
        return None
    return estimate(
        remaining=max(snapshot.work_total - settled, 0),
        rates=rates(snapshot.pace),
        moved_seconds=elapsed,
        now=snapshot.read_at,
    )


def estimate(*, remaining: int, rates: Sequence[float], moved_seconds: float, now: datetime) -> Eta | None:
    """The median of what the `rates` promise, and how far the slow and the fast ones are from it. Never 0 seconds.

    More remaining rows never make it shorter, higher rates never longer. None where nothing moves.
    """
    slow, middle, fast = (_quantile(rates, share) for share in (0.1, 0.5, 0.9))

    def seconds(rate: float) -> int | None:
        if remaining > LONGEST_SECONDS * rate:
            return None
        moving = remaining / rate if remaining else 0
        return max(math.ceil(moving + FINISHING_SHARE * (moved_seconds + moving)), 1)

    found, least = seconds(middle), seconds(fast)
    if middle <= 0 or found is None or least is None:
        return None
    return Eta(seconds=found, p10_seconds=least, p90_seconds=seconds(slow), at=now + timedelta(seconds=found))


def rates(pace: Pace) -> tuple[float, ...]:
    """Rows a second over each half minute of the pace; one rate where there is less."""
    rows = pace.rows
    span = min(SMOOTHED_INTERVALS, len(rows))
    if not span:
        return ()
    seconds = span * pace.interval_seconds
    return tuple(sum(rows[start : start + span]) / seconds for start in range(len(rows) - span + 1))


def _finishing(snapshot: RunSnapshot) -> Eta:
    began = snapshot.phases[-1].started_at
    moved = sum((phase.ended_at - phase.started_at).total_seconds() for phase in snapshot.phases if phase.ended_at)
    left = FINISHING_SHARE * moved - (snapshot.read_at - began).total_seconds()
    seconds = max(math.ceil(left), 1)
    return Eta(
        seconds=seconds, p10_seconds=1, p90_seconds=2 * seconds, at=snapshot.read_at + timedelta(seconds=seconds)
    )


def _quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of all lies, between two neighbours in proportion; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
