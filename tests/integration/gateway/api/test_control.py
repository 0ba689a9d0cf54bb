"""Cancelling, pausing and resuming over the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import aiohttp
import asyncpg

from shared.core.counts import Counts
from shared.core.ids import BatchRef
from shared.ledger.settling import Claim, Manifest, Settlement, claim_batch, settle_batch
from tests.harness.api import Api
from tests.harness.ledger import until
from tests.harness.register import Answered, asked, ended, owner, plan_in, registered, start

VERBS = ("cancel", "pause", "resume")


async def said(client: aiohttp.ClientSession, migration: UUID, verb: str) -> Answered:
    return await asked(client, "POST", f"/api/migrations/{migration}/{verb}")


@asynccontextmanager
async def loading(connection: asyncpg.Connection, run: UUID) -> AsyncIterator[BatchRef]:
    """A load in flight: a claimed batch of a running run, which settles and commits at the end."""
    async with connection.transaction():
        await connection.execute(
            "insert into transfuse.run_mapping (run_id, mapping, position) values ($1, 'people', 0)", run
        )
        await connection.execute(
            "insert into transfuse.batch (run_id, mapping, seq, state) values ($1, 'people', 1, 'dispatched'),"
            " ($1, 'people', 2, 'dispatched')",
            run,
        )
        await connection.execute("update transfuse.run set state = 'planning' where id = $1 and state = 'pending'", run)
        await connection.execute("update transfuse.run set state = 'running' where id = $1", run)
    batch = BatchRef(run=run, mapping="people", seq=1, generation=1)
    async with connection.transaction():
        assert await claim_batch(connection, batch) is Claim.CLAIMED
        yield batch
        nothing = Manifest(written=b"", unchanged=b"", filtered=b"", quarantined=b"")
        settlement = Settlement(batch=batch, counts=Counts(), warned=(), manifest=nothing, quarantined=())
        await settle_batch(connection, settlement)


async def test_cancel_ends_the_run_and_may_be_said_again(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        _status, run = await start(client, migration)
        for _ in range(2):
            status, document = await said(client, migration, "cancel")
            assert (status, document["id"], document["state"]) == (200, run["id"], "cancelled")


async def test_pause_and_resume_may_each_be_said_again(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        _status, run = await start(client, migration)
        for _ in range(2):
            status, document = await said(client, migration, "pause")
            assert (status, document["id"], document["state"]) == (200, run["id"], "paused")
        for _ in range(2):
            status, document = await said(client, migration, "resume")
            assert (status, document["id"], document["state"]) == (200, run["id"], "planning")
    async with owner(api) as connection:
        verbs = await connection.fetch(
            "select detail->>'verb' as verb from transfuse.run_event where kind = 'asked' order by seq"
        )
    assert [row["verb"] for row in verbs] == ["pause", "resume"], "what changes nothing is no event"


async def test_resume_of_a_run_that_goes_on_issues_no_batch_again(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client, owner(api) as connection:
        migration = await registered(client)
        _status, run = await start(client, migration)
        async with loading(connection, UUID(run["id"])):
            status, document = await said(client, migration, "resume")
            assert (status, document["state"]) == (200, "running")
            async with owner(api) as other:
                states = await other.fetch("select distinct state from transfuse.batch")
            assert [row["state"] for row in states] == ["dispatched"]


async def test_a_failed_run_is_resumed(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        run = await ended(api, migration, "failed")
        status, document = await said(client, migration, "resume")
        assert (status, document["id"], document["state"]) == (200, str(run), "planning")


async def test_without_a_run_there_is_nothing_to_control(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        await ended(api, migration, "completed", kind="validate")
        for verb in VERBS:
            status, problem = await said(client, migration, verb)
            assert (status, problem["code"]) == (409, "no_run"), verb


async def test_a_run_that_has_ended_stays_as_it_is(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        for state, verbs in {
            "completed": VERBS,
            "failed": ("cancel", "pause"),
            "cancelled": ("pause", "resume"),
        }.items():
            migration = await registered(client, state)
            await ended(api, migration, state)
            for verb in verbs:
                status, problem = await said(client, migration, verb)
                assert (status, problem["code"]) == (409, "not_allowed"), (state, verb)
            assert (await asked(client, "GET", f"/api/migrations/{migration}"))[1]["status"] == state


async def test_nothing_commits_after_cancelled(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client, owner(api) as connection, owner(api) as eyes:
        migration = await registered(client)
        _status, document = await start(client, migration)
        run = UUID(document["id"])

        async def marked() -> bool:
            state = await eyes.fetchval("select state from transfuse.run where id = $1", run)
            return bool(state == "cancelling")

        async with asyncio.TaskGroup() as tasks:
            async with loading(connection, run):
                cancelling = tasks.create_task(said(client, migration, "cancel"))
                await until(marked)
                assert not cancelling.done(), "a load in flight is waited for"
            status, document = await cancelling
        assert (status, document["state"]) == (200, "cancelled")
        late = BatchRef(run=run, mapping="people", seq=2, generation=1)
        async with connection.transaction():
            assert await claim_batch(connection, late) is Claim.DROPPED
        row = await eyes.fetchrow(
            """select (select settled_at from transfuse.batch where run_id = $1 and seq = 1) as settled_at,
                      (select finished_at from transfuse.run where id = $1) as finished_at""",
            run,
        )
        assert row["settled_at"] < row["finished_at"]


async def test_of_many_who_cancel_at_once_all_are_answered(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        await start(client, migration)
        answers = await asyncio.gather(*(said(client, migration, "cancel") for _ in range(10)))
    assert {(status, document["state"]) for status, document in answers} == {(200, "cancelled")}


async def test_a_viewer_controls_nothing(api: Api) -> None:
    await plan_in(api)
    async with api.client() as admin, api.client("viewer") as viewer:
        migration = await registered(admin)
        _status, run = await start(admin, migration)
        for verb in VERBS:
            status, problem = await said(viewer, migration, verb)
            assert (status, problem["code"]) == (403, "forbidden"), verb
        assert (await asked(admin, "GET", f"/api/runs/{run['id']}"))[1]["state"] in {"pending", "planning"}


async def test_a_pause_that_a_long_load_holds_up_says_so_and_may_be_asked_again(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client, owner(api) as connection:
        migration = await registered(client)
        _status, document = await start(client, migration)
        async with loading(connection, UUID(document["id"])):
            status, problem = await said(client, migration, "pause")
            assert (status, problem["code"]) == (503, "busy")
        status, document = await said(client, migration, "pause")
        assert (status, document["state"]) == (200, "paused")


async def test_who_did_what_to_a_migration_is_in_the_audit(api: Api) -> None:
    await plan_in(api)
    async with api.client(email="ops@example.org") as client:
        migration = await registered(client)
        _status, run = await start(client, migration)
        for verb in ("pause", "resume", "cancel"):
            await said(client, migration, verb)
        assert (await asked(client, "DELETE", f"/api/migrations/{migration}"))[0] == 204
    async with owner(api) as connection:
        rows = await connection.fetch(
            """select action, object_kind, object_id, detail->>'run' as run from transfuse.audit
                where actor = 'ops@example.org' and outcome = 'done' order by seq"""
        )
    found = [(row["action"], row["run"]) for row in rows]
    assert found == [
        ("migration.create", None),
        ("run.start", run["id"]),
        ("run.pause", run["id"]),
        ("run.resume", run["id"]),
        ("run.cancel", run["id"]),
        ("migration.delete", None),
    ]
    named = [(row["object_kind"], row["object_id"]) for row in rows]
    assert named == [
        ("run", run["id"]) if row["action"] == "run.start" else ("migration", str(migration)) for row in rows
    ]


async def test_a_start_that_is_refused_names_its_migration_in_the_audit(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        assert [(await start(client, migration))[0] for _ in range(2)] == [202, 409]
    async with owner(api) as connection:
        rows = await connection.fetch(
            """select outcome, detail->>'migration_id' as migration from transfuse.audit
                where action = 'run.start' order by seq"""
        )
    assert [row["outcome"] for row in rows] == ["begun", "done", "begun", "refused"]
    assert [row["migration"] for row in rows if row["outcome"] == "begun"] == [str(migration)] * 2
