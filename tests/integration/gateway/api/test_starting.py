"""Starting runs over the API."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

from tests.harness.api import Api
from tests.harness.clinic import PLAN
from tests.harness.register import asked, owner, plan_in, registered, start

CLIENTS = 20


async def runs_of(api: Api) -> list[dict[str, Any]]:
    """Every run of the ledger, oldest first."""
    async with owner(api) as connection:
        rows = await connection.fetch("select * from transfuse.run order by created_at")
    return [{**row, "options": json.loads(row["options"])} for row in rows]


async def test_a_start_is_accepted_with_the_run_and_where_to_find_it(api: Api) -> None:
    await plan_in(api, versions=3)
    async with api.client("migration_manager", email="m@example.org") as client:
        migration = await registered(client)
        body = {"migrationId": str(migration), "options": {"batchSize": 500, "priority": "HIGH"}}
        async with client.post("/api/migrations/start", json=body) as response:
            run = await response.json()
            assert response.status == 202
            assert response.headers["Location"] == f"/api/runs/{run['id']}"
        assert (run["migrationId"], run["kind"], run["mode"], run["state"]) == (
            str(migration), "migrate", "insert", "pending",
        )  # fmt: skip
        assert (run["priority"], run["planVersion"], run["actor"]) == (10, 3, "m@example.org")
        assert (await asked(client, "GET", f"/api/runs/{run['id']}"))[0] == 200
    (written,) = await runs_of(api)
    assert written["options"] == {"batch_rows": 500}


async def test_options_need_not_be_named(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        status, run = await asked(client, "POST", "/api/migrations/start", json={"migrationId": str(migration)})
        assert (status, run["priority"]) == (202, 5)
    assert [run["options"] for run in await runs_of(api)] == [{}]


async def test_a_priority_is_a_word(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        for word, rank in {"LOW": 1, "NORMAL": 5, "HIGH": 10, "CRITICAL": 15}.items():
            _status, run = await start(client, await registered(client, word), priority=word)
            assert run["priority"] == rank


IMPOSSIBLE: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"validateOnly": True, "skipValidation": True}, 400, "contradiction"),
    ({"validateOnly": True, "mode": "compare"}, 400, "contradiction"),
    ({"validateOnly": True, "verify": True}, 400, "contradiction"),
    ({"validateOnly": True, "only": ["people.name"]}, 409, "not_available"),
    ({"mode": "check", "skipValidation": True}, 400, "contradiction"),
    ({"mode": "compare"}, 409, "not_available"),
    ({"mode": "patch"}, 400, "contradiction"),
    ({"mode": "insert", "only": ["people.name"]}, 400, "contradiction"),
    ({"batchSize": 0}, 400, "bad_request"),
    ({"batchSize": 50_001}, 400, "bad_request"),
    ({"priority": "SOON"}, 400, "bad_request"),
    ({"mode": "delete"}, 400, "bad_request"),
    ({"dryRun": True}, 400, "bad_request"),
)


async def test_what_cannot_be_done_is_refused_and_leaves_no_run(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        for options, status, code in IMPOSSIBLE:
            found, problem = await start(client, migration, **options)
            assert (found, problem["code"]) == (status, code), options
    assert await runs_of(api) == []


async def test_batches_have_one_to_fifty_thousand_rows(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        for size in (1, 50_000):
            assert (await start(client, await registered(client, str(size)), batchSize=size))[0] == 202


async def test_of_twenty_who_start_at_once_one_starts(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        answers = await asyncio.gather(*(start(client, migration) for _ in range(CLIENTS)))
    assert sorted(status for status, _ in answers) == [202] + [409] * (CLIENTS - 1)
    assert {document["code"] for status, document in answers if status == 409} == {"already_active"}
    assert len(await runs_of(api)) == 1


async def test_of_twenty_who_start_at_once_with_one_key_all_get_the_one_run(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        answers = await asyncio.gather(*(start(client, migration, key="k") for _ in range(CLIENTS)))
    assert {status for status, _ in answers} == {202}
    assert len({document["id"] for _, document in answers}) == 1
    assert len(await runs_of(api)) == 1


async def test_who_asks_again_with_the_same_key_gets_the_same_answer(api: Api) -> None:
    await plan_in(api)
    async with api.client(sub=str(uuid.uuid4())) as client:
        migration = await registered(client)
        first = await start(client, migration, key="morning run", batchSize=7)
        assert first[0] == 400, "a key has no spaces"
        first = await start(client, migration, key="morning-run", batchSize=7)
        assert first[0] == 202
        await asked(client, "POST", f"/api/migrations/{migration}/cancel")
        assert await start(client, migration, key="morning-run", batchSize=7) == first
        status, problem = await start(client, migration, key="morning-run", batchSize=8)
        assert (status, problem["code"]) == (422, "key_reused")
    assert len(await runs_of(api)) == 1


async def test_a_key_belongs_to_who_used_it(api: Api) -> None:
    await plan_in(api)
    async with api.client() as one, api.client() as other:
        migration = await registered(one)
        assert (await start(one, migration, key="k"))[0] == 202
        status, problem = await start(other, migration, key="k")
        assert (status, problem["code"]) == (409, "already_active")


async def test_a_refusal_does_not_use_a_key_up(api: Api) -> None:
    await plan_in(api)
    async with api.client(sub=str(uuid.uuid4())) as client:
        migration = await registered(client)
        assert (await start(client, migration))[0] == 202
        assert (await start(client, migration, key="k"))[0] == 409
        await asked(client, "POST", f"/api/migrations/{migration}/cancel")
        assert (await start(client, migration, key="k"))[0] == 202


async def test_a_key_is_forgotten_after_a_day(api: Api) -> None:
    await plan_in(api)
    async with api.client(sub=str(uuid.uuid4())) as client:
        migration = await registered(client)
        first = await start(client, migration, key="k")
        await asked(client, "POST", f"/api/migrations/{migration}/cancel")
        async with owner(api) as connection:
            await connection.execute("update transfuse.idempotency set created_at = now() - interval '25 hours'")
        second = await start(client, migration, key="k")
        assert (first[0], second[0]) == (202, 202)
        assert first[1]["id"] != second[1]["id"]


async def test_the_ledger_keeps_no_request_under_a_key(api: Api) -> None:
    await plan_in(api)
    async with api.client() as client:
        migration = await registered(client)
        await start(client, migration, key="k")
    async with owner(api) as connection:
        row = await connection.fetchrow("select * from transfuse.idempotency")
    assert len(row["request_hash"]) == 32


async def test_a_viewer_starts_nothing(api: Api) -> None:
    await plan_in(api)
    async with api.client() as admin, api.client("viewer") as viewer:
        status, problem = await start(viewer, await registered(admin))
    assert (status, problem["code"]) == (403, "forbidden")
    assert await runs_of(api) == []


async def test_a_run_may_be_of_some_mappings_of_columns_or_a_merge(api: Api) -> None:
    async with api.client() as client:
        status, _ = await asked(client, "PUT", "/api/plans/clinic", json={"files": {"plan.yml": PLAN}})
        assert status in {200, 201}
        for options, mode in (
            ({"only": ["people"]}, "insert"),
            ({"only": ["people.name"]}, "patch"),
            ({"mode": "merge"}, "merge"),
        ):
            status, run = await start(client, await registered(client, f"as-{mode}"), **options)
            assert (status, run["mode"]) == (202, mode), run
        for key in ("", "k"):
            status, problem = await start(client, await registered(client, f"none{key}"), key=key, only=["peopel"])
            assert (status, problem["code"]) == (400, "unknown_mapping")
            assert "Did you mean 'people'?" in problem["detail"]
    assert [run["options"].get("only") for run in await runs_of(api)] == [["people"], ["people.name"], None]
