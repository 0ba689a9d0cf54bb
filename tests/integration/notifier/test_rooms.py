"""What those who follow a migration are told, over real sockets."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID, uuid4

from shared.core.counts import Counts
from shared.core.states import RunState
from shared.messages import BatchSettled, RunChanged
from tests.harness.sockets import Client, Notifier, Sockets
from tests.ledgers.ledger import Ledger, PlannedMapping, batches

OK = {"ok": True}


async def migration_of(ledger: Ledger, run: UUID) -> UUID:
    found: UUID = await ledger.connection.fetchval("select migration_id from transfuse.run where id = $1", run)
    return found


async def settle_one(ledger: Ledger, sockets: Sockets) -> None:
    for ref in batches(await ledger.dispatch(window=1).tick()):
        await ledger.settle(ref)
        await sockets.bus.publish(BatchSettled(batch=ref, counts=Counts()))


async def end(ledger: Ledger, sockets: Sockets, run: UUID, state: str = "completed") -> None:
    await ledger.dispatch().tick()
    await ledger.connection.execute("update transfuse.run set state = $2 where id = $1", run, state)
    await sockets.bus.publish(RunChanged(run=run, state=RunState(state)))


def is_at(client: Client, current: int) -> bool:
    return bool(client.last("migration:progress")["current"] == current)


async def test_a_run_is_followed_to_its_end(sockets: Sockets, notifier: Notifier, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=3))
    migration = await migration_of(ledger, run)
    async with notifier.client() as client:
        assert await client.ask("migration:subscribe", str(migration)) == OK
        await client.until(lambda: client.count("migration:status") == 1)
        assert client.last("migration:progress")["current"] == 0
        for settled in (10, 20, 30):
            await settle_one(ledger, sockets)
            await client.until(partial(is_at, client, settled))
        await end(ledger, sockets, run)
        await client.until(lambda: client.count("migration:completed") == 1)
        told = client.heard["migration:progress"]
        seqs = [event["seq"] for event in told]
        assert seqs == sorted(seqs)
        assert [event["progress"] for event in told][-1] == 100
        assert all(event["progress"] < 100 for event in told[:-1])
        assert {(event["migrationId"], event["runId"]) for event in told} == {(str(migration), str(run))}
        assert told[-1]["status"]["verdict"]["headline"] == told[-1]["message"]
        assert [mapping["mapping"] for mapping in told[-1]["mappings"]] == ["patients"]
        assert [event["status"] for event in client.heard["migration:status"]] == ["running", "completed"]
        summary = client.last("migration:completed")["summary"]
        assert summary["runId"] == str(run)
        assert (summary["status"], summary["rows"]["read"], summary["rows"]["loaded"]) == ("completed", 30, 30)
        assert summary["reportUrl"] == f"/api/runs/{run}/report"
        assert summary["durationSeconds"] >= 0


async def test_whoever_subscribes_late_gets_the_state_of_now_at_once(
    sockets: Sockets, notifier: Notifier, ledger: Ledger
) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=1))
    migration = await migration_of(ledger, run)
    await settle_one(ledger, sockets)
    await end(ledger, sockets, run)
    async with notifier.client() as client:
        assert await client.ask("migration:subscribe", str(migration)) == OK
        await client.until(lambda: client.count("migration:completed") == 1)
        assert (client.state_of(migration), client.last("migration:progress")["progress"]) == ("completed", 100)
        assert await client.ask("migration:subscribe", str(migration)) == OK
        await client.until(lambda: client.count("migration:completed") == 2)


async def test_the_next_run_of_a_migration_is_told_to_the_same_room(
    sockets: Sockets, notifier: Notifier, ledger: Ledger
) -> None:
    first = await ledger.running(PlannedMapping(name="patients", batches=1))
    migration = await migration_of(ledger, first)
    async with notifier.client() as client:
        await client.ask("migration:subscribe", str(migration))
        await settle_one(ledger, sockets)
        await end(ledger, sockets, first)
        await client.until(lambda: client.state_of(migration) == "completed")
        second = await ledger.start()
        await sockets.bus.publish(RunChanged(run=second, state=RunState.PENDING))
        await client.until(lambda: client.last("migration:status")["runId"] == str(second))
        assert client.last("migration:status")["status"] == "pending"
        assert client.last("migration:progress")["runId"] == str(second)


async def test_a_failed_run_says_why(sockets: Sockets, notifier: Notifier, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=1))
    migration = await migration_of(ledger, run)
    async with notifier.client() as client:
        await client.ask("migration:subscribe", str(migration))
        await ledger.connection.execute(
            """update transfuse.run set state = 'failed', reason = 'target_away', message = 'The target is away.',
                      remedy = 'Bring it back.' where id = $1""",
            run,
        )
        await sockets.bus.publish(RunChanged(run=run, state=RunState.FAILED))
        await client.until(lambda: client.count("migration:error") == 1)
        told = client.last("migration:error")
        assert (told["runId"], told["error"], told["code"]) == (str(run), "The target is away.", "target_away")
        assert client.last("migration:status")["status"] == "failed"
        assert client.count("migration:completed") == 0


async def test_a_migration_that_never_ran_is_pending(notifier: Notifier, ledger: Ledger) -> None:
    await ledger.runs.register_plan(name="clinic", hash="hash", files={"plan.yaml": "transfuse: 1"})
    await ledger.runs.register_migration("clinic", plan_name="clinic")
    migration = await ledger.connection.fetchval("select id from transfuse.migration")
    async with notifier.client() as client:
        assert await client.ask("migration:subscribe", str(migration)) == OK
        await client.until(lambda: client.count("migration:status") == 1)
        told = client.last("migration:progress")
        assert (told["runId"], told["seq"], told["progress"], told["total"]) == (None, 0, 0, 0)
        assert told["status"]["status"] == "pending"


async def test_who_left_a_room_or_was_never_in_it_hears_nothing_of_it(
    sockets: Sockets, notifier: Notifier, ledger: Ledger
) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=2))
    other = await ledger.running(PlannedMapping(name="patients", batches=2), migration="other")
    migration = await migration_of(ledger, run)
    async with notifier.client() as stays, notifier.client() as leaves, notifier.client() as elsewhere:
        assert await stays.ask("migration:subscribe", str(migration)) == OK
        assert await leaves.ask("migration:subscribe", str(migration)) == OK
        assert await leaves.ask("migration:unsubscribe", str(migration)) == OK
        assert await elsewhere.ask("migration:subscribe", str(await migration_of(ledger, other))) == OK
        await leaves.until(lambda: leaves.count("migration:progress") == 1)
        for ref in batches(await ledger.dispatch(window=1).tick()):
            if ref.run == run:
                await ledger.settle(ref)
                await sockets.bus.publish(BatchSettled(batch=ref, counts=Counts()))
        await stays.until(lambda: stays.last("migration:progress")["current"] == 10)
        assert await leaves.ask("migration:unsubscribe", str(migration)) == OK
        assert leaves.count("migration:progress") == 1
        assert {event["runId"] for event in elsewhere.heard["migration:progress"]} == {str(other)}


async def test_what_is_no_migration_is_refused(notifier: Notifier) -> None:
    arguments: tuple[tuple[Any, ...], ...] = ((), ("no id",), (7,), (None,), ({"id": 1},), (str(uuid4()), "more"))
    async with notifier.client() as client:
        for argument in arguments:
            answer = await client.ask("migration:subscribe", *argument)
            assert answer["error"]["code"] == "bad_request", argument
        answer = await client.ask("migration:subscribe", str(uuid4()))
        assert answer == {"error": {"code": "not_found", "message": "There is no such migration."}}


async def test_the_system_room_hears_figures_and_health(notifier: Notifier, ledger: Ledger) -> None:
    await ledger.running(PlannedMapping(name="patients", batches=2))
    async with notifier.client() as client:
        assert await client.ask("system:subscribe") == OK
        await client.until(lambda: client.count("system:metrics") == 2)
        told = client.last("system:metrics")
        assert (told["activeJobs"], told["queueSize"]) == (1, 0)
        assert told["memoryUsage"] > 0
        assert told["services"]["rabbitmq"] == "connected"
        assert told["services"]["notifier"] == "connected"
        assert [(queue["name"], queue["depth"]) for queue in told["queues"]] == [
            (name, 0) for name in ("plan", "extract", "transform", "load", "finish", "undo")
        ]
        states = {one["service"]: one["state"] for one in told["processes"]}
        assert (states["notifier"], states["loader"]) == ("up", "down")
        assert (told["services"]["loader"], told["status"]) == ("disconnected", "unhealthy")
        assert await client.ask("system:unsubscribe") == OK
        count = client.count("system:metrics")
        assert await client.ask("system:unsubscribe") == OK
        assert client.count("system:metrics") == count
