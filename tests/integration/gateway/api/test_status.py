"""Status, history, events and throughput over the API."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from services.gateway.documents.cursor import cursor_of
from shared.core.ids import BatchRef
from shared.redis.connection import open_redis
from shared.redis.snapshots import KeptSnapshots
from shared.settings.secret import Secret
from tests.harness.api import Api, gateway_on
from tests.harness.ledger import until
from tests.ledgers.ledger import Ledger, PlannedMapping, ledger_on

BEYOND_THE_CALENDAR = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00")


@pytest.fixture
async def ledger(api: Api) -> AsyncIterator[Ledger]:
    """The gateway's ledger under its owner's eyes."""
    async with ledger_on(api.ledger) as found:
        yield found


async def got(client: aiohttp.ClientSession, path: str, **query: Any) -> Any:  # noqa: ANN401 - any JSON
    async with client.get(path, params=query) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def settled(ledger: Ledger, run: uuid.UUID, mapping: str, *, batch_count: int = 1, quarantined: int = 0) -> None:
    """Settle batches as soon as the gateway's dispatcher has issued them."""
    for seq in range(1, batch_count + 1):

        async def issued(seq: int = seq) -> bool:
            return (await ledger.batch_states(run))[mapping, seq] == "dispatched"

        await until(issued)
        await ledger.settle(BatchRef(run=run, mapping=mapping, seq=seq, generation=1), quarantined=quarantined)


async def migration_of(ledger: Ledger, run: uuid.UUID) -> uuid.UUID:
    return (await ledger.runs.get(run)).migration_id


async def test_a_migration_that_never_ran_is_pending_with_0_of_0(api: Api, ledger: Ledger) -> None:
    await ledger.runs.register_plan(name="clinic", hash="h", files={"plan.yml": ""})
    migration = await ledger.runs.register_migration("clinic", plan_name="clinic")
    async with api.client("viewer") as client:
        found = await got(client, f"/api/migrations/{migration}/status")
    assert (found["status"], found["runId"]) == ("pending", None)
    assert found["progress"] == {"current": 0, "total": 0, "percentage": 0.0, "estimated": False}


async def test_the_status_of_a_run_and_of_its_migration_are_the_same(api: Api, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="doctors"), PlannedMapping(name="patients", depends_on=("doctors",)))
    await settled(ledger, run, "doctors", quarantined=2)
    await ledger.runs.pause(run, actor="ops.lead")
    async with api.client("viewer") as client:
        one = await got(client, f"/api/runs/{run}/status")
        other = await got(client, f"/api/migrations/{await migration_of(ledger, run)}/status")
    assert one["runId"] == other["runId"] == str(run)
    assert (one["status"], one["phase"]) == ("running", "paused")
    assert one["progress"] == {"current": 10, "total": 20, "percentage": 50.0, "estimated": False}
    assert one["verdict"] == other["verdict"]
    assert [phase["phase"] for phase in one["phases"]][-2:] == ["running", "paused"]
    doctors, patients = one["mappings"]
    assert (doctors["counts"]["quarantined"], doctors["pass"]) == (2, 1)
    assert patients["waitsFor"] in (["doctors"], [])
    assert (one["balance"]["unaccounted"], one["balance"]["balanced"]) == (0, False)


async def test_who_paused_a_run_is_in_its_verdict(api: Api, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients"))
    await ledger.runs.pause(run, actor="ops.lead")
    async with api.client("viewer") as client:
        found = await got(client, f"/api/runs/{run}/status")
    assert (found["status"], found["phase"], found["verdict"]["code"]) == ("running", "paused", "paused")
    assert found["verdict"]["headline"] == "Paused by ops.lead 0 s ago."


async def test_a_run_that_is_not_there_has_no_status(api: Api) -> None:
    async with api.client("viewer") as client:
        for path in ("status", "events", "throughput"):
            async with client.get(f"/api/runs/{uuid.uuid4()}/{path}") as response:
                assert (response.status, (await response.json())["code"]) == (404, "unknown_run")
        for path in ("status", "runs"):
            async with client.get(f"/api/migrations/{uuid.uuid4()}/{path}") as response:
                assert (response.status, (await response.json())["code"]) == (404, "unknown_migration")


async def test_the_runs_of_a_migration_are_listed_youngest_first_in_parts(api: Api, ledger: Ledger) -> None:
    made = []
    for _ in range(5):
        made.append(await ledger.start())
        await ledger.runs.cancel(made[-1], actor="tester")
    migration = await migration_of(ledger, made[0])
    seen: list[str] = []
    async with api.client("viewer") as client:
        query: dict[str, Any] = {"limit": 2}
        while True:
            page = await got(client, f"/api/migrations/{migration}/runs", **query)
            seen += [run["id"] for run in page["runs"]]
            if page["nextCursor"] is None:
                break
            query["cursor"] = page["nextCursor"]
        assert await got(client, f"/api/migrations/{migration}/runs", kind="validate") == {
            "runs": [],
            "nextCursor": None,
        }
        forged = (cursor_of({"at": at, "id": uuid.uuid4()}) for at in BEYOND_THE_CALENDAR)
        for cursor in ("nonsense", *forged):
            async with client.get(f"/api/migrations/{migration}/runs", params={"cursor": cursor}) as response:
                assert (response.status, (await response.json())["code"]) == (400, "bad_cursor")
    assert seen == [str(run) for run in reversed(made)]


WARNED = """update transfuse.batch set warnings = '[{"code": "unknown_code", "column": "sex", "count": 2}]'
             where run_id = $1 and mapping = $2"""


async def test_a_run_and_the_last_run_of_a_migration_say_what_they_came_to(api: Api, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=2))
    await settled(ledger, run, "patients", batch_count=2, quarantined=3)
    await ledger.connection.execute(WARNED, run, "patients")
    await ledger.connection.execute(
        """update transfuse.run set warnings = '[{"code": "table_not_driven", "table": "notes"}]' where id = $1""", run
    )
    await ledger.runs.cancel(run, actor="tester")
    migration = await migration_of(ledger, run)
    async with api.client("viewer") as client:
        status = await got(client, f"/api/runs/{run}/status")
        one = await got(client, f"/api/runs/{run}")
        (listed,) = (await got(client, f"/api/migrations/{migration}/runs"))["runs"]
        last = (await got(client, f"/api/migrations/{migration}"))["lastRun"]
        (registered,) = (await got(client, "/api/migrations"))["migrations"]
    assert one == listed == last == registered["lastRun"]
    assert one["counts"] == status["counts"]
    assert (one["counts"]["read"], one["counts"]["loaded"], one["counts"]["quarantined"]) == (20, 14, 6)
    assert one["warnings"] == status["warnings"]
    assert one["warnings"] == [{"mapping": "patients", "code": "unknown_code", "column": "sex", "rows": 4}]
    assert one["notices"] == status["notices"] == [{"code": "table_not_driven", "table": "notes", "message": ""}]
    assert one["warningCount"] == 2


async def test_what_a_failed_run_came_to_goes_on_when_it_is_resumed(api: Api, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=2))
    await settled(ledger, run, "patients", batch_count=1)
    await ledger.connection.execute("update transfuse.run set state = 'failed' where id = $1", run)
    async with api.client("viewer") as client:
        assert (await got(client, f"/api/runs/{run}"))["counts"]["read"] == 10
        await ledger.runs.resume(run, actor="tester")
        await ledger.connection.execute("update transfuse.run set state = 'running' where id = $1", run)

        async def issued() -> bool:
            return (await ledger.batch_states(run))["patients", 2] == "dispatched"

        await until(issued)
        await ledger.settle(BatchRef(run=run, mapping="patients", seq=2, generation=1))
        assert (await got(client, f"/api/runs/{run}"))["counts"]["read"] == 20


async def test_what_retention_has_summed_up_still_counts(api: Api, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients"))
    await ledger.connection.execute(
        """insert into transfuse.batch_total
               (run_id, mapping, pass, planned, dispatched, settled, failed, split, read_count, loaded, updated,
                unchanged, merged, filtered, quarantined, deleted, different)
           values ($1, 'patients', 1, 0, 0, 9, 0, 0, 99, 10, 11, 12, 13, 14, 0, 19, 20)""",
        run,
    )
    await ledger.connection.execute(
        "insert into transfuse.warning_total values ($1, 'patients', 'unknown_code', 'sex', 7)", run
    )
    async with api.client("viewer") as client:
        one = await got(client, f"/api/runs/{run}")
    assert one["counts"] == {
        "read": 99, "loaded": 10, "updated": 11, "unchanged": 12, "merged": 13, "filtered": 14, "quarantined": 0,
        "deleted": 19, "different": 20,
    }  # fmt: skip
    assert one["warnings"] == [{"mapping": "patients", "code": "unknown_code", "column": "sex", "rows": 7}]


async def test_events_are_read_in_parts_and_by_level(api: Api, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients"))
    await ledger.runs.pause(run, actor="ops.lead")
    async with api.client("viewer") as client:
        path = f"/api/runs/{run}/events"
        whole = await got(client, path)
        first = await got(client, path, limit=1)
        rest = await got(client, path, after=first["nextAfter"])
        warnings = await got(client, path, level="warning")
    assert whole["nextAfter"] is None
    assert first["events"] + rest["events"] == whole["events"]
    assert [event["seq"] for event in whole["events"]] == list(range(1, len(whole["events"]) + 1))
    assert {event["level"] for event in whole["events"]} == {"info", "warning"}
    assert [event["detail"]["state"] for event in warnings["events"]] == ["paused"]


async def test_the_events_tell_when_a_mapping_is_complete(api: Api, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="doctors"), PlannedMapping(name="patients", batches=2))
    await settled(ledger, run, "doctors", quarantined=1)
    async with api.client("viewer") as client:

        async def complete() -> list[dict[str, Any]]:
            events = (await got(client, f"/api/runs/{run}/events"))["events"]
            return [event for event in events if event["kind"] == "mapping"]

        async def told() -> bool:
            return bool(await complete())

        await until(told)
        (event,) = await complete()
    assert (event["level"], event["detail"]["code"]) == ("info", "mapping_complete")
    assert (event["detail"]["mapping"], event["detail"]["read"], event["detail"]["quarantined"]) == ("doctors", 10, 1)


async def test_the_throughput_covers_the_whole_time_and_every_row(api: Api, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=4))
    await settled(ledger, run, "patients", batch_count=4, quarantined=1)
    await ledger.connection.execute(
        """update transfuse.run set started_at = now() - interval '1 hour';
           update transfuse.batch set settled_at = now() - make_interval(mins => seq * 10)"""
    )
    async with api.client("viewer") as client:
        found = await got(client, f"/api/runs/{run}/throughput")
        pending = await got(client, f"/api/runs/{await ledger.start('other')}/throughput")
    assert len(found["buckets"]) <= 241
    assert found["bucketSeconds"] == 16
    rows = sum(bucket["rowsPerSecond"] * found["bucketSeconds"] for bucket in found["buckets"])
    refused = sum(bucket["quarantinedPerMinute"] * found["bucketSeconds"] / 60 for bucket in found["buckets"])
    assert (rows, refused) == (pytest.approx(40, abs=0.1), pytest.approx(4, abs=0.1))
    assert (pending["startedAt"], pending["buckets"]) == (None, [])


async def test_the_figures_count_runs_by_how_they_are(api: Api, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients", batches=3))
    ended = await ledger.start("other")
    await ledger.connection.execute("update transfuse.run set state = 'failed' where id = $1", ended)

    async def issued() -> bool:
        return set((await ledger.batch_states(run)).values()) == {"dispatched"}

    await until(issued)
    async with api.client("viewer") as client:
        found = await got(client, "/api/metrics")
    assert (found["activeJobs"], found["completedJobs"], found["failedJobs"], found["queueSize"]) == (1, 0, 1, 3)
    assert {queue["name"]: queue["inFlight"] for queue in found["queues"]} == {
        "plan": 0,
        "extract": 3,
        "transform": 0,
        "load": 0,
        "finish": 0,
        "undo": 0,
    }
    assert [one["service"] for one in found["processes"]] == [
        *("gateway", "extractor", "transformer", "loader", "notifier"),
    ]
    assert found["memoryUsage"] > 10_000_000
    assert found["uptime"] >= 0


async def test_a_kept_snapshot_is_shown_until_a_verb_changes_the_run(postgres_server: str, redis_url: str) -> None:
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    async with (
        gateway_on(postgres_server, redis=Secret(redis_url), bus_prefix=prefix) as api,
        ledger_on(api.ledger) as ledger,
        open_redis(Secret(redis_url)) as redis,
        api.client() as client,
    ):
        kept = KeptSnapshots(redis, prefix=prefix)
        run = await ledger.running(PlannedMapping(name="patients"))
        await kept.keep(await ledger.progress.read(run))
        await ledger.connection.execute("update transfuse.run set priority = 15 where id = $1", run)
        assert (await got(client, f"/api/runs/{run}/status"))["priority"] == 5
        await kept.forget(run)
        assert (await got(client, f"/api/runs/{run}/status"))["priority"] == 15
