"""What no run may be told: 100 % before the end, an end that comes nearer by more work, a row that is nowhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.core.counts import Counts
from shared.core.states import MappingState, RunState
from shared.ledger.snapshots import BatchCounts
from shared.status.eta import estimate
from shared.status.progress import percentage
from shared.status.status import run_status
from tests.harness.snapshots import READ, mapping_snapshot, run_snapshot

counts = st.integers(0, 10**12)
rates = st.lists(st.floats(0, 1e7, allow_subnormal=False), max_size=60)


@given(counts, counts)
def test_a_percentage_is_100_only_when_completed(current: int, total: int) -> None:
    assert percentage(current, total, is_completed=True) == 100
    assert 0 <= percentage(current, total, is_completed=False) <= 99.9


@given(st.integers(1, 10**12), counts, counts)
def test_a_percentage_never_goes_back_as_rows_settle(total: int, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert percentage(less, total, is_completed=False) <= percentage(more, total, is_completed=False)


@given(st.sampled_from(RunState), counts, counts, st.integers(0, 5), st.integers(0, 5))
def test_every_state_has_a_verdict_and_only_a_completed_run_is_at_100(
    state: RunState, settled: int, total: int, planned: int, dispatched: int
) -> None:
    mapping = mapping_snapshot(
        from_rows=total,
        driving_rows=total,
        counts=Counts(read=settled, loaded=settled),
        batches=BatchCounts(planned=planned, dispatched=dispatched),
    )
    found = run_status(run_snapshot(mapping, state=state))
    assert found.verdict.headline
    assert (found.progress.percentage == 100) == (state is RunState.COMPLETED)


@given(counts, counts, st.integers(0, 9), st.integers(0, 9))
def test_settled_in_flight_and_not_read_make_up_the_whole(
    settled: int, rest: int, planned: int, dispatched: int
) -> None:
    mapping = mapping_snapshot(
        state=MappingState.OPEN,
        from_rows=settled + rest,
        driving_rows=settled + rest,
        counts=Counts(read=settled, loaded=settled),
        batches=BatchCounts(planned=planned, dispatched=dispatched),
    )
    found = run_status(run_snapshot(mapping)).balance
    assert found is not None
    assert (found.unaccounted, settled + found.in_flight + found.not_read) == (0, settled + rest)


@given(rates, counts, counts, st.floats(0, 1e6))
def test_more_rows_to_go_never_make_the_end_come_sooner(found: list[float], one: int, other: int, moved: float) -> None:
    less, more = sorted((one, other))
    near = estimate(remaining=less, rates=found, moved_seconds=moved, now=READ)
    far = estimate(remaining=more, rates=found, moved_seconds=moved, now=READ)
    assert near is not None or far is None
    if near is not None and far is not None:
        assert 1 <= near.seconds <= far.seconds
        assert near.p10_seconds <= near.seconds <= (near.p90_seconds or near.seconds)


@given(rates, st.floats(1, 10), counts, st.floats(0, 1e6))
def test_a_faster_run_never_ends_later(found: list[float], factor: float, remaining: int, moved: float) -> None:
    slow = estimate(remaining=remaining, rates=found, moved_seconds=moved, now=READ)
    fast = estimate(remaining=remaining, rates=[rate * factor for rate in found], moved_seconds=moved, now=READ)
    if slow is not None and fast is not None:
        assert fast.seconds <= slow.seconds
