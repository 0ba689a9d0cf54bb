"""How far a run is, read from the ledger."""

from __future__ import annotations

from uuid import uuid4

import pytest

from shared.core.counts import Counts
from shared.core.errors import Refused
from shared.core.ids import BatchRef
from shared.core.states import RunState, Stage
from shared.ledger.snapshots import BatchCounts, QuarantineCount, WarningCount
from tests.ledgers.ledger import Ledger, PlannedMapping, batches


async def test_a_snapshot_holds_states_and_counts_of_run_and_mappings(ledger: Ledger) -> None:
    run = await ledger.running(
        PlannedMapping(name="doctors", batches=2),
        PlannedMapping(name="patients", batches=3, depends_on=("doctors",)),
    )
    dispatch = ledger.dispatch()
    first, second = batches(await dispatch.tick())
    await ledger.settle(first, quarantined=3)
    before = await ledger.progress.read(run)
    await ledger.settle(second)
    await dispatch.tick()
    snapshot = await ledger.progress.read(run)
    assert snapshot.state is RunState.RUNNING
    assert (snapshot.migration, snapshot.plan_name, snapshot.row_total) == ("clinic", "clinic", 50)
    assert snapshot.counts == Counts(read=20, loaded=17, quarantined=3)
    assert snapshot.batches == BatchCounts(settled=2, dispatched=3)
    assert snapshot.batches.total == 5
    assert snapshot.seq == before.seq + 2, "a batch has settled, and that completed its mapping"
    doctors, patients = snapshot.mappings
    assert (doctors.mapping, doctors.state, doctors.counts.read) == ("doctors", "complete", 20)
    assert (patients.state, patients.depends_on, patients.from_rows) == ("open", ("doctors",), 30)
    assert patients.rows_per_second == 0
    assert doctors.rows_per_second > 0
    assert snapshot.eta_seconds is not None
    assert [balance.balances for balance in snapshot.balances] == [True, False]


async def test_counts_that_planning_did_not_take_never_balance(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=0))
    assert [balance.balances for balance in await ledger.progress.balance(run)] == [True]
    await ledger.connection.execute("update transfuse.run_mapping set driving_rows = null")
    assert [balance.balances for balance in await ledger.progress.balance(run)] == [False]
    await ledger.connection.execute("update transfuse.run_mapping set driving_rows = 0, from_rows = null")
    assert [balance.balances for balance in await ledger.progress.balance(run)] == [False]


async def test_rows_that_the_joins_drop_are_excluded_and_more_rows_than_driving_ones_never_balance(
    ledger: Ledger,
) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=1))
    (only,) = batches(await ledger.dispatch().tick())
    await ledger.settle(only)
    await ledger.connection.execute("update transfuse.run_mapping set driving_rows = 14")
    (balance,) = await ledger.progress.balance(run)
    assert (balance.excluded, balance.balances) == (4, True)
    await ledger.connection.execute("update transfuse.run_mapping set driving_rows = 9")
    (balance,) = await ledger.progress.balance(run)
    assert not balance.balances


async def test_warnings_and_quarantine_are_counted_by_reason(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=2))
    first, second = batches(await ledger.dispatch().tick())
    await ledger.settle(first)
    assert (await ledger.progress.read(run)).warnings == ()
    await ledger.settle(second, quarantined=2)
    await ledger.connection.execute(
        """update transfuse.batch set warnings = '[{"code": "cast", "column": "sex", "sqlstate": "", "count": 3}]'"""
    )
    reasons = '[{"code": "missing_parent", "column": "doctor_id"}, {"code": "rule", "column": "sex"}]'
    for row_reasons in (reasons, '[{"code": "rule", "column": "sex", "sqlstate": ""}]'):
        await ledger.connection.execute(
            """insert into transfuse.quarantine
                   (id, run_id, mapping, pass, seq, generation, stage, reasons, sealed_key, sealed_row)
               values ($1, $2, 'patients', 1, 2, 1, 'load', $3, 'x', 'x')""",
            *(uuid4(), run, row_reasons),
        )
    snapshot = await ledger.progress.read(run)
    assert snapshot.warnings == (WarningCount(mapping="patients", code="cast", column="sex", row_count=6),)
    expected = [("rule", "sex", 2), ("missing_parent", "doctor_id", 1)]
    assert snapshot.quarantine == tuple(
        QuarantineCount(mapping="patients", stage=Stage.LOAD, code=code, column=column, row_count=rows)
        for code, column, rows in expected
    )
    again = await ledger.progress.read(run)
    assert (again.warnings, again.quarantine) == (snapshot.warnings, snapshot.quarantine)


async def test_the_rates_of_an_ended_run_are_over_its_whole_time(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=2))
    for ref in batches(await ledger.dispatch().tick()):
        await ledger.settle(ref)
    await ledger.dispatch().tick()
    await ledger.connection.execute("update transfuse.run set state = 'completed'")
    await ledger.connection.execute(
        """update transfuse.run set started_at = finished_at - interval '10 seconds';
           update transfuse.batch set dispatched_at = settled_at - interval '4 seconds' where seq = 1"""
    )
    snapshot = await ledger.progress.read(run)
    assert snapshot.is_final
    assert snapshot.rows_per_second == pytest.approx(2)
    assert snapshot.mappings[0].rows_per_second == pytest.approx(5, rel=0.05)
    assert snapshot.eta_seconds is None


async def test_snapshots_only_grow(ledger: Ledger) -> None:
    run = await ledger.start()
    dispatch = ledger.dispatch(window=2)
    numbers = [(await ledger.progress.read(run)).seq]
    await dispatch.tick()
    numbers.append((await ledger.progress.read(run)).seq)
    await ledger.plan(run, PlannedMapping(name="patients", batches=4))
    while await ledger.state(run) == "running":
        for ref in batches(await dispatch.tick()):
            await ledger.settle(ref)
            numbers.append((await ledger.progress.read(run)).seq)
    numbers.append((await ledger.progress.read(run)).seq)
    assert numbers == sorted(set(numbers))


async def test_the_latest_run_is_found_and_an_unknown_one_refused(ledger: Ledger) -> None:
    assert await ledger.progress.latest() is None
    first = await ledger.start("one")
    second = await ledger.start("two")
    assert await ledger.progress.latest() == second
    assert await ledger.progress.latest("one") == first
    with pytest.raises(Refused) as refused:
        await ledger.progress.read(uuid4())
    assert refused.value.code == "unknown_run"


async def test_a_second_pass_balances_by_itself(ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="staff"), PlannedMapping(name="staff", pass_number=2))
    await ledger.dispatch().tick()
    await ledger.settle(BatchRef(run=run, mapping="staff", seq=1, generation=1))
    balances = await ledger.progress.balance(run)
    assert [(balance.mapping, balance.pass_number, balance.balances) for balance in balances] == [
        ("staff", 1, True),
        ("staff", 2, False),
    ]
