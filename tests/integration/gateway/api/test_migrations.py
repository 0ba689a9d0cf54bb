"""Migrations over the API: registered, listed, read, deleted."""

from __future__ import annotations

import asyncio
import json
import uuid

import aiohttp

from tests.harness.api import Api
from tests.harness.register import asked, ended, owner, plan_in, quarantined, registered, start


async def test_a_migration_is_registered_once_under_its_name_and_can_be_read(api: Api) -> None:
    await plan_in(api, versions=2)
    async with api.client("migration_manager", email="m@example.org") as client:
        body = {"name": "Clinic East", "plan": "clinic"}
        async with client.post("/api/migrations", json=body) as response:
            made = await response.json()
            assert response.status == 201
            assert response.headers["Location"] == f"/api/migrations/{made['id']}"
        assert (made["name"], made["plan"], made["planVersion"]) == ("Clinic East", "clinic", 2)
        assert (made["status"], made["lastRun"], made["createdBy"]) == ("pending", None, "m@example.org")
        assert await asked(client, "GET", f"/api/migrations/{made['id']}") == (200, made)
        status, problem = await asked(client, "POST", "/api/migrations", json=body)
        assert (status, problem["code"]) == (409, "name_taken")


UNREGISTERED: tuple[tuple[dict[str, str], int, str], ...] = (
    ({"name": "a", "plan": "nowhere"}, 404, "unknown_plan"),
    ({"name": "a", "plan": "clinic", "source": "elsewhere"}, 400, "unknown_alias"),
    ({"name": "a", "plan": "clinic", "target": ""}, 400, "unknown_alias"),
    ({"name": " a", "plan": "clinic"}, 400, "bad_name"),
    ({"name": "a\n", "plan": "clinic"}, 400, "bad_request"),
    ({"name": "a\x85b", "plan": "clinic"}, 400, "bad_request"),
    ({"name": "a", "plan": "clinic\x9f"}, 400, "bad_request"),
    ({"name": "", "plan": "clinic"}, 400, "bad_request"),
    ({"name": "a\x00", "plan": "clinic"}, 400, "bad_request"),
    ({"name": "a", "plan": "clinic", "password": "x"}, 400, "bad_request"),
)


async def test_what_cannot_be_registered_is_refused_with_its_reason(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        for body, status, code in UNREGISTERED:
            found, problem = await asked(client, "POST", "/api/migrations", json=body)
            assert (found, problem["code"]) == (status, code), body
        assert (await asked(client, "GET", "/api/migrations"))[1]["total"] == 0


async def test_the_list_sums_up_every_migration_in_one_word(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:

        async def overall() -> str:
            status, page = await asked(client, "GET", "/api/migrations")
            assert status == 200
            return str(page["status"])

        assert await overall() == "idle"
        first, second, third = [await registered(client, name) for name in ("one", "two", "three")]
        assert await overall() == "idle"
        await ended(api, first, "cancelled")
        assert await overall() == "idle"
        await ended(api, second, "completed")
        assert await overall() == "completed"
        failed = await ended(api, third, "failed", age_seconds=60)
        assert await overall() == "failed"
        await ended(api, third, "completed")
        assert await overall() == "completed", "what failed before has been made good"
        assert (await start(client, first))[0] == 202
        assert await overall() == "running"
        _status, document = await asked(client, "GET", f"/api/migrations/{third}")
        assert document["lastRun"]["id"] != str(failed)


async def test_a_preflight_is_no_run_of_a_migration(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        await ended(api, migration, "failed", kind="validate")
        await ended(api, migration, "completed", kind="cleanup")
        _status, document = await asked(client, "GET", f"/api/migrations/{migration}")
        assert (document["status"], document["lastRun"]) == ("pending", None)


async def test_lists_are_filtered_searched_and_sorted(api: Api) -> None:
    await plan_in(api)
    await plan_in(api, "portal")
    async with api.client() as client:
        for name, plan, state in (("b", "clinic", "failed"), ("A", "portal", "completed"), ("c", "clinic", "")):
            migration = await registered(client, name, plan)
            if state:
                await ended(api, migration, state, age_seconds=ord(name))

        async def names(**query: str) -> list[str]:
            status, page = await asked(client, "GET", "/api/migrations", params=query)
            assert status == 200
            assert page["total"] == len(page["migrations"])
            return [found["name"] for found in page["migrations"]]

        assert await names() == ["A", "b", "c"]
        assert await names(sort="-name") == ["c", "b", "A"]
        assert await names(sort="createdAt") == ["b", "A", "c"]
        assert await names(sort="-lastRun") == ["A", "b", "c"]
        assert await names(status="failed") == ["b"]
        assert await names(status="pending") == ["c"]
        assert await names(search="PORT") == ["A"]
        assert await names(search="%") == []
        assert await names(search="clin", status="running") == []


async def pages(client: aiohttp.ClientSession, sort: str) -> list[str]:
    """The ids of all pages of three, in order."""
    found: list[str] = []
    query = {"sort": sort, "limit": "3"}
    while True:
        status, page = await asked(client, "GET", "/api/migrations", params=query)
        assert (status, page["total"]) == (200, 7)
        found += [one["id"] for one in page["migrations"]]
        if page["nextCursor"] is None:
            return found
        query["cursor"] = page["nextCursor"]


async def test_pages_hold_every_migration_exactly_once(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        wanted = [await registered(client, f"m{number}") for number in range(7)]
        for migration in wanted[::2]:
            await ended(api, migration, "completed")
        for sort in ("name", "-name", "createdAt", "-createdAt", "lastRun", "-lastRun"):
            found = await pages(client, sort)
            assert sorted(found) == sorted(map(str, wanted)), sort
            _status, whole = await asked(client, "GET", "/api/migrations", params={"sort": sort})
            assert found == [one["id"] for one in whole["migrations"]], sort


async def test_a_cursor_that_is_none_of_ours_is_refused(api: Api) -> None:
    async with api.client() as client:
        for cursor in ("x", "bm9uZQ", "\u00e9", "eyJzb3J0IjoibmFtZSJ9", "=" * 9):
            status, problem = await asked(client, "GET", "/api/migrations", params={"cursor": cursor})
            assert (status, problem["code"]) == (400, "bad_cursor"), cursor


async def test_a_cursor_of_another_sorting_is_refused(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        for name in ("a", "b"):
            await registered(client, name)
        _status, page = await asked(client, "GET", "/api/migrations", params={"limit": "1"})
        query = {"cursor": page["nextCursor"], "sort": "-name"}
        status, problem = await asked(client, "GET", "/api/migrations", params=query)
    assert (status, problem["code"]) == (400, "bad_cursor")


async def test_what_is_deleted_is_gone_its_name_is_free_and_its_runs_stay(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        run = await ended(api, migration, "completed")
        assert await asked(client, "DELETE", f"/api/migrations/{migration}") == (204, {})
        for method in ("GET", "DELETE"):
            status, problem = await asked(client, method, f"/api/migrations/{migration}")
            assert (status, problem["code"]) == (404, "unknown_migration")
        status, problem = await start(client, migration)
        assert (status, problem["code"]) == (404, "unknown_migration")
        assert (await asked(client, "GET", "/api/migrations"))[1]["total"] == 0
        assert await registered(client) != migration
        status, document = await asked(client, "GET", f"/api/runs/{run}")
        assert (status, document["migrationId"]) == (200, str(migration))


async def test_an_active_run_keeps_its_migration(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        assert (await start(client, migration))[0] == 202
        status, problem = await asked(client, "DELETE", f"/api/migrations/{migration}?force=true")
        assert (status, problem["code"]) == (409, "active_run")
        assert (await asked(client, "GET", f"/api/migrations/{migration}"))[0] == 200


async def test_unresolved_rows_keep_their_migration_unless_an_administrator_insists_and_stay_even_then(
    api: Api,
) -> None:
    await plan_in(api)
    async with api.client("migration_manager") as manager, api.client() as admin:
        migration = await registered(manager)
        run = await ended(api, migration, "completed")
        await quarantined(api, run, rows=3)
        path = f"/api/migrations/{migration}"
        status, problem = await asked(admin, "DELETE", path)
        assert (status, problem["code"]) == (409, "unresolved_rows")
        assert "3 rows" in problem["detail"]
        status, problem = await asked(manager, "DELETE", f"{path}?force=true")
        assert (status, problem["code"]) == (403, "forbidden")
        assert (await asked(admin, "DELETE", f"{path}?force=true"))[0] == 204
    async with owner(api) as connection:
        assert await connection.fetchval("select count(*) from transfuse.quarantine where run_id = $1", run) == 3
        detail = await connection.fetchval(
            "select detail from transfuse.audit where action = 'migration.delete' order by seq desc limit 1"
        )
        assert json.loads(detail)["unresolved_rows"] == 3


async def test_what_is_not_there_is_404_whatever_is_asked_of_it(api: Api) -> None:
    async with api.client() as client:
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/pause"), ("POST", "/resume")):
            status, problem = await asked(client, method, f"/api/migrations/{uuid.uuid4()}{path}")
            assert (status, problem["code"]) == (404, "unknown_migration")


async def test_a_deletion_and_a_start_at_once_never_both_happen(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        for number in range(10):
            migration = await registered(client, f"m{number}")
            deleted, started = await asyncio.gather(
                asked(client, "DELETE", f"/api/migrations/{migration}"), start(client, migration)
            )
            assert (deleted[0], started[0]) in {(204, 404), (409, 202)}
