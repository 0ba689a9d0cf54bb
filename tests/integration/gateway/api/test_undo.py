"""Asking for an undo over the API: what is refused at once, and what becomes a run of its own."""

from __future__ import annotations

from uuid import UUID, uuid4

import aiohttp

from tests.harness.api import Api
from tests.harness.register import Answered, asked, ended, owner, plan_in, registered, start


async def said(client: aiohttp.ClientSession, run: object, **form: str) -> Answered:
    return await asked(client, "POST", f"/api/runs/{run}/undo", json=form)


async def planned(api: Api, run: UUID) -> None:
    """What planning writes of a run, and with it that it may have written rows."""
    async with owner(api) as connection:
        await connection.execute(
            "insert into transfuse.run_mapping (run_id, mapping, position) values ($1, 'people', 0)", run
        )


async def ran(api: Api, client: aiohttp.ClientSession, state: str = "completed") -> UUID:
    """A run that was planned and ended."""
    await plan_in(api)
    run = await ended(api, await registered(client), state, age_seconds=60)
    await planned(api, run)
    return run


async def test_an_undo_is_a_run_about_another_and_the_audit_names_both(api: Api) -> None:
    async with api.client() as client:
        run = await ran(api, client)
        status, undo = await said(client, run, builtOn="keep")
        assert (status, undo["kind"], undo["about"], undo["state"]) == (202, "undo", str(run), "pending")
        _status, before = await asked(client, "GET", f"/api/runs/{run}")
        assert before["undoneAt"] is None
    async with owner(api) as connection:
        options = await connection.fetchval("select options from transfuse.run where id = $1", UUID(undo["id"]))
        assert options == '{"built_on": "keep"}'
        entries = await connection.fetch(
            "select object_id, detail::text from transfuse.audit where action = 'run.undo'"
        )
        assert {entry["object_id"] for entry in entries} == {str(run)}
        assert any(undo["id"] in entry["detail"] for entry in entries)


async def test_what_cannot_be_undone_is_refused_at_once_with_a_code(api: Api) -> None:
    async with api.client() as client:
        status, problem = await said(client, uuid4())
        assert (status, problem["code"]) == (404, "unknown_run")
        await plan_in(api)
        migration = await registered(client)
        never = await ended(api, migration, "failed", age_seconds=60)
        status, problem = await said(client, never)
        assert (status, problem["code"]) == (409, "nothing_to_undo")
        await planned(api, never)
        async with owner(api) as connection:
            await connection.execute("update transfuse.run set undone_at = now() where id = $1", never)
        status, problem = await said(client, never)
        assert (status, problem["code"]) == (409, "undone")
        _status, active = await start(client, migration)
        status, problem = await said(client, active["id"])
        assert (status, problem["code"]) == (409, "not_allowed")


async def test_a_word_that_nobody_knows_is_refused(api: Api) -> None:
    async with api.client() as client:
        status, problem = await said(client, uuid4(), builtOn="force")
        assert (status, problem["errors"][0]["field"]) == (400, "builtOn")


async def test_while_a_run_is_undone_its_migration_starts_no_other(api: Api) -> None:
    async with api.client() as client:
        run = await ran(api, client)
        assert (await said(client, run))[0] == 202
        status, problem = await said(client, run)
        assert (status, problem["code"]) == (409, "already_active")


async def test_a_run_that_an_undo_has_begun_on_is_not_resumed(api: Api) -> None:
    async with api.client() as client:
        run = await ran(api, client, "failed")
        async with owner(api) as connection:
            migration = await connection.fetchval("select migration_id from transfuse.run where id = $1", run)
            undo = await ended(api, migration, "cancelled", kind="undo", age_seconds=120)
            await connection.execute("update transfuse.run set about_run = $2 where id = $1", undo, run)
        await planned(api, undo)
        status, problem = await asked(client, "POST", f"/api/migrations/{migration}/resume")
        assert (status, problem["code"]) == (409, "not_allowed")
        assert "undo of it has begun" in problem["detail"]
