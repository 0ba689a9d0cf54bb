"""The status document: words of the portal, progress, what a mapping waits for, where every row is."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from shared.core.counts import Counts
from shared.core.states import MappingState, RunState
from shared.ledger.snapshots import BatchCounts, Pace, Phase
from shared.status.status import never_ran_status, run_status
from tests.harness.snapshots import READ, STARTED, after, mapping_snapshot, run_snapshot


def test_a_migration_that_never_ran_is_pending_with_0_of_0() -> None:
    found = never_ran_status(UUID(int=1), migration="clinic", plan="clinic", plan_version=3, now=READ)
    assert (found.status, found.run_id, found.progress.current, found.progress.total) == ("pending", None, 0, 0)
    assert found.progress.percentage == 0


def test_the_document_is_in_camel_case_and_names_the_pass() -> None:
    document = msgspec.to_builtins(run_status(run_snapshot()))
    assert {"runId", "rowsPerSecond", "averageRowsPerSecond", "startedAt", "completedAt"} <= document.keys()
    assert document["mappings"][0]["pass"] == 1
    assert "waitsFor" in document["mappings"][0]
    assert document["balance"]["inSnapshot"] == 1000


def test_a_mapping_waits_for_its_parents_and_its_own_first_pass() -> None:
    planned = MappingState.PLANNED
    snapshot = run_snapshot(
        mapping_snapshot("doctors", state=MappingState.COMPLETE, counts=Counts(read=1000, loaded=1000)),
        mapping_snapshot("cases"),
        mapping_snapshot("orders", state=planned, depends_on=("doctors", "cases")),
        mapping_snapshot("orders", state=planned, pass_number=2, depends_on=("cases",)),
    )
    waits = {(found.mapping, found.pass_number): found.waits_for for found in run_status(snapshot).mappings}
    assert waits["orders", 1] == ("cases",)
    assert waits["orders", 2] == ("cases", "orders")
    assert waits["cases", 1] == ()


def test_rows_are_settled_in_flight_or_not_read_and_add_up() -> None:
    found = run_status(run_snapshot())
    assert found.balance is not None
    assert (found.balance.in_flight, found.balance.not_read) == (200, 300)
    assert found.progress.current + found.balance.in_flight + found.balance.not_read == found.progress.total


def test_rows_that_have_no_batch_any_more_are_unaccounted_only_once_the_mapping_is_complete() -> None:
    moving = run_status(run_snapshot(mapping_snapshot(counts=Counts(read=900, loaded=900))))
    assert moving.balance is not None
    assert moving.balance.unaccounted == 0
    ended = mapping_snapshot(state=MappingState.COMPLETE, counts=Counts(read=900, loaded=900))
    done = run_status(run_snapshot(ended))
    assert done.balance is not None
    assert (done.balance.unaccounted, done.balance.not_read) == (100, 0)


def test_more_rows_than_the_snapshot_had_are_unaccounted_at_once() -> None:
    found = run_status(run_snapshot(mapping_snapshot(counts=Counts(read=1001, loaded=1001))))
    assert found.balance is not None
    assert found.balance.unaccounted == 1


def test_only_a_failed_run_has_an_error() -> None:
    paused = run_snapshot(state=RunState.PAUSED, reason="asked", message="x", remedy="y")
    assert run_status(paused).error is None
    error = run_status(msgspec.structs.replace(paused, state=RunState.FAILED)).error
    assert error is not None
    assert (error.code, error.message, error.remedy) == ("asked", "x", "y")


def test_the_average_leaves_out_the_time_in_which_the_run_stood() -> None:
    phases = (
        Phase(state=RunState.RUNNING, started_at=STARTED, ended_at=after(5)),
        Phase(state=RunState.PAUSED, started_at=after(5), ended_at=after(15)),
        Phase(state=RunState.RUNNING, started_at=after(15)),
    )
    assert run_status(run_snapshot(phases=phases)).average_rows_per_second == pytest.approx(500 / 600)


def test_the_eta_is_shown_after_60_seconds_and_2_per_cent() -> None:
    pace = Pace(rows=(5,) * 6)
    assert run_status(run_snapshot(pace=pace)).eta is not None
    assert run_status(run_snapshot(pace=pace, started_at=after(19.5))).eta is None
    few = mapping_snapshot(counts=Counts(read=19, loaded=19))
    assert run_status(run_snapshot(few, pace=pace)).eta is None
    assert run_status(run_snapshot(pace=Pace(rows=(0,) * 6))).eta is None
    assert run_status(run_snapshot(pace=pace, state=RunState.PAUSED)).eta is None


def test_finishing_is_never_0_seconds_away() -> None:
    phases = (
        Phase(state=RunState.RUNNING, started_at=STARTED, ended_at=after(10)),
        Phase(state=RunState.FINISHING, started_at=after(10)),
    )
    all_settled = mapping_snapshot(
        state=MappingState.COMPLETE, counts=Counts(read=1000, loaded=1000), batches=BatchCounts(settled=10)
    )
    eta = run_status(run_snapshot(all_settled, state=RunState.FINISHING, phases=phases)).eta
    assert eta is not None
    assert eta.seconds >= 1


def test_a_second_pass_counts_no_row_twice_in_the_balance_and_is_work_all_the_same() -> None:
    snapshot = run_snapshot(
        mapping_snapshot(state=MappingState.COMPLETE, counts=Counts(read=1000, loaded=1000)),
        mapping_snapshot(pass_number=2, counts=Counts(read=400, updated=400)),
    )
    found = run_status(snapshot)
    assert found.balance is not None
    assert (found.balance.in_snapshot, found.balance.counts.read) == (1000, 1000)
    assert (found.progress.current, found.progress.total) == (1400, 2000)
    assert found.counts.read == 1000
