"""The verdict: which rule wins, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.counts import Counts
from shared.core.states import LoadMode, MappingState, RunKind, RunState
from shared.ledger.snapshots import BatchCounts, FindingCounts, MappingSnapshot, Pace, Phase, RunSnapshot
from shared.status.document import Ground, StageStatus, Verdict
from shared.status.status import run_status
from tests.harness.snapshots import STARTED, after, mapping_snapshot, run_snapshot

COMPLETE = mapping_snapshot(
    state=MappingState.COMPLETE,
    counts=Counts(read=1000, loaded=990, filtered=8, quarantined=2),
    batches=BatchCounts(settled=10),
)
SHORT = mapping_snapshot("orders", state=MappingState.COMPLETE, counts=Counts(read=997, loaded=997))
BEYOND = mapping_snapshot(
    state=MappingState.PAUSED, reason="quarantine_limit", message="too many", counts=Counts(read=500, quarantined=500)
)
STILL = mapping_snapshot(settled_at=after(18.5))
COMPARED = mapping_snapshot(
    state=MappingState.COMPLETE, counts=Counts(read=1000, unchanged=1000), batches=BatchCounts(settled=10)
)
DIFFERENT = mapping_snapshot(
    state=MappingState.COMPLETE, counts=Counts(read=1000, unchanged=999, different=1), batches=BatchCounts(settled=10)
)
TAKEN_BACK = mapping_snapshot(
    state=MappingState.COMPLETE, counts=Counts(read=1000, deleted=990, updated=10), batches=BatchCounts(settled=10)
)
MANY = mapping_snapshot(from_rows=9999, driving_rows=9999, counts=Counts(read=3300, loaded=3300))
SLOW = Pace(rows=(100,) * 30 + (10,) * 30)
LOAD = StageStatus(stage="load", workers=2, rows_per_second=1.0, busy_share=0.98)
EXTRACT = StageStatus(stage="extract", workers=2, rows_per_second=1.0, busy_share=0.4)


def verified(mapping: MappingSnapshot, findings: FindingCounts) -> RunSnapshot:
    return run_snapshot(
        mapping, state=RunState.COMPLETED, kind=RunKind.VERIFY, mode=LoadMode.COMPARE, findings=findings
    )


def verdict(snapshot: RunSnapshot, **around: Any) -> Verdict:  # noqa: ANN401 - stages, systems
    return run_status(snapshot, **around).verdict


@pytest.mark.parametrize(
    ("snapshot", "code", "ground", "headline"),
    (
        (
            verified(COMPARED, FindingCounts()),
            "verified",
            Ground.COMPLETED,
            "The target was compared with its source.",
        ),
        (
            verified(DIFFERENT, FindingCounts(changed=1)),
            "verified",
            Ground.ATTENTION,
            "The target was compared with its source.",
        ),
        (
            verified(DIFFERENT, FindingCounts(differences=1)),
            "verified",
            Ground.FAILED,
            "The target is not what the plan makes of its source.",
        ),
        (
            verified(COMPARED, FindingCounts(differences=2, not_checked=8)),  # extra rows belong to no batch
            "verified",
            Ground.FAILED,
            "The target is not what the plan makes of its source.",
        ),
        (
            run_snapshot(TAKEN_BACK, state=RunState.COMPLETED, kind=RunKind.UNDO),
            "undone",
            Ground.COMPLETED,
            "The run was taken back.",
        ),
        (run_snapshot(SHORT), "unaccounted", Ground.FAILED, "3 rows are unaccounted."),
        (
            run_snapshot(state=RunState.FAILED, reason="disk_full", message="the target ran out of disk"),
            "disk_full",
            Ground.FAILED,
            "The target ran out of disk.",
        ),
        (
            run_snapshot(state=RunState.PAUSED, reason="asked", asked_by="ops.lead", moved_at=after(8)),
            "paused",
            Ground.PAUSED,
            "Paused by ops.lead 12 min ago.",
        ),
        (
            run_snapshot(state=RunState.PAUSED, reason="schema_drifted", message="The legacy schema changed."),
            "schema_drifted",
            Ground.PAUSED,
            "The legacy schema changed.",
        ),
        (
            run_snapshot(BEYOND, state=RunState.PAUSED, reason="quarantine_limit"),
            "quarantine_limit",
            Ground.QUARANTINED,
            "More rows are refused than the plan allows.",
        ),
        (run_snapshot(STILL), "nothing_settled", Ground.ATTENTION, "Nothing has settled for 1 min."),
        (run_snapshot(MANY, pace=SLOW), "slow", Ground.ATTENTION, "Slower than usual."),
        (run_snapshot(), "running", Ground.COMPLETED, "Nothing needs you."),
        (run_snapshot(state=RunState.PENDING), "pending", Ground.PENDING, "The run is about to start."),
        (run_snapshot(state=RunState.PLANNING), "planning", Ground.PLANNING, "Nothing needs you."),
        (run_snapshot(COMPLETE, state=RunState.FINISHING), "finishing", Ground.COMPLETED, "Nothing needs you."),
        (run_snapshot(state=RunState.CANCELLING), "cancelling", Ground.CANCELLED, "The run is being cancelled."),
        (run_snapshot(state=RunState.CANCELLED), "cancelled", Ground.CANCELLED, "The run was cancelled."),
        (
            run_snapshot(COMPLETE, state=RunState.COMPLETED),
            "balanced",
            Ground.COMPLETED,
            "Every row is accounted for.",
        ),
    ),
)
def test_each_rule_has_its_words(snapshot: RunSnapshot, code: str, ground: Ground, headline: str) -> None:
    found = verdict(snapshot)
    assert (found.code, found.ground, found.headline) == (code, ground, headline)


def test_the_first_rule_that_matches_wins() -> None:
    trouble: dict[str, Any] = {"pace": SLOW}
    assert verdict(run_snapshot(SHORT, BEYOND, STILL, state=RunState.FAILED, **trouble)).code == "unaccounted"
    assert verdict(run_snapshot(BEYOND, STILL, state=RunState.FAILED, reason="lost", **trouble)).code == "lost"
    assert verdict(run_snapshot(BEYOND, STILL, state=RunState.PAUSED, reason="asked", **trouble)).code == "paused"
    late = mapping_snapshot(
        state=MappingState.PAUSED, reason="quarantine_limit", settled_at=after(18), counts=Counts(read=1, quarantined=1)
    )
    assert verdict(run_snapshot(late, STILL, **trouble)).code == "quarantine_limit"
    assert verdict(run_snapshot(STILL, **trouble)).code == "nothing_settled"


def test_a_cancelled_run_does_not_say_that_refused_rows_are_in_the_target() -> None:
    detail = verdict(run_snapshot(COMPLETE, state=RunState.CANCELLED)).detail
    assert detail == "1,000 rows had settled; what was written stays in the target."
    assert verdict(run_snapshot(mapping_snapshot(counts=Counts()), state=RunState.CANCELLED)).detail == ""


def test_a_plan_that_is_refused_is_told_before_its_places() -> None:
    place = "plan.yml:63:11: there is no table public.profilez in the target (did you mean 'profiles'?)"
    refused = run_snapshot(state=RunState.FAILED, reason="plan_refused", message=place, remedy="Correct the plan.")
    found = verdict(refused)
    assert (found.headline, found.detail) == ("The plan has errors.", f"{place} Correct the plan.")


def test_a_standstill_names_the_system_that_does_not_answer() -> None:
    assert verdict(run_snapshot(STILL), away=["bus"]).detail == "RabbitMQ does not answer; the ledger keeps the place."
    both = verdict(run_snapshot(STILL), away=["target", "legacy"]).detail
    assert both == "The target and the legacy database do not answer; the ledger keeps the place."


@pytest.mark.parametrize(
    ("away", "code", "headline", "answers"),
    (
        (["target"], "target_unreachable", "Paused: target unreachable.", "the target answers"),
        (["ledger", "target"], "target_unreachable", "Paused: target unreachable.", "the target answers"),
        (["legacy"], "legacy_unreachable", "Paused: legacy database unreachable.", "the legacy database answers"),
        (["bus", "redis"], "bus_unreachable", "Paused: RabbitMQ unreachable.", "RabbitMQ answers"),
        (["bus", "target"], "bus_unreachable", "Paused: RabbitMQ unreachable.", "RabbitMQ and the target answer"),
    ),
)
def test_two_minutes_without_a_system_that_the_run_needs_are_a_pause_that_ends_by_itself(
    away: list[str], code: str, headline: str, answers: str
) -> None:
    settled = mapping_snapshot(settled_at=after(18))
    found = verdict(run_snapshot(settled), away=away)
    assert (found.code, found.ground, found.headline) == (code, Ground.PAUSED, headline)
    assert found.detail == f"Nothing has settled for 2 min. The run goes on by itself as soon as {answers}."
    assert verdict(run_snapshot(mapping_snapshot(settled_at=after(18.1))), away=away).code == "nothing_settled"
    assert verdict(run_snapshot(settled), away=["redis"]).code == "nothing_settled"


def test_a_standstill_counts_from_the_last_resume() -> None:
    phases = (
        Phase(state=RunState.RUNNING, started_at=STARTED, ended_at=after(1)),
        Phase(state=RunState.PAUSED, started_at=after(1), ended_at=after(19.5)),
        Phase(state=RunState.RUNNING, started_at=after(19.5)),
    )
    assert verdict(run_snapshot(mapping_snapshot(settled_at=after(1)), phases=phases)).code == "running"


def test_a_slow_run_names_the_stage_that_sets_the_pace() -> None:
    found = verdict(run_snapshot(MANY, pace=SLOW), stages=[EXTRACT, LOAD])
    assert found.detail == "1 rows/s; load sets the pace."


def test_a_single_lull_is_not_slow() -> None:
    assert verdict(run_snapshot(MANY, pace=Pace(rows=(100,) * 40 + (0,) * 15 + (100,) * 5))).code == "running"


def test_a_completed_run_without_counts_is_never_called_balanced() -> None:
    uncounted = mapping_snapshot(state=MappingState.COMPLETE, from_rows=None)
    found = run_status(run_snapshot(uncounted, state=RunState.COMPLETED))
    assert found.verdict.code == "not_counted"
    assert found.verdict.ground is Ground.FAILED
    assert found.balance is not None
    assert (found.balance.unaccounted, found.balance.balanced) == (None, False)


def test_rows_that_wait_in_quarantine_are_told_and_are_no_failure() -> None:
    found = verdict(run_snapshot(COMPLETE, state=RunState.COMPLETED))
    assert found.detail == "1,000 rows read, none unaccounted. 2 rows wait in quarantine."
    assert found.ground is Ground.COMPLETED


def test_a_run_that_moves_no_rows_claims_nothing_of_rows() -> None:
    for kind in (RunKind.VALIDATE, RunKind.CLEANUP):
        nothing: dict[str, Any] = {"kind": kind, "mappings": (), "counts": Counts(), "row_total": 0}
        done = verdict(run_snapshot(state=RunState.COMPLETED, **nothing))
        assert (done.code, "row" in done.headline) == ("done", False)
        assert verdict(run_snapshot(state=RunState.PLANNING, **nothing)).code == "at_work"
        assert (
            verdict(run_snapshot(state=RunState.FAILED, reason="preflight_failed", **nothing)).ground is Ground.FAILED
        )
