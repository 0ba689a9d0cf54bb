"""Preflights over the API: asked for, found and read; what the extractor does is tested with the extractor."""

from __future__ import annotations

import uuid
from typing import Any

import asyncpg
import pytest

from shared.core.checks import failed, passed
from shared.ledger.preflights import write_preflight
from shared.plan.position import Position, Problem
from tests.harness.api import Api

FILES = '{"plan.yml": "transfuse: 1"}'


@pytest.fixture
async def migration(api: Api) -> uuid.UUID:
    """A migration whose plan has two versions."""
    found = uuid.uuid4()
    connection = await asyncpg.connect(api.ledger)
    await connection.execute(
        "insert into transfuse.plan (hash, name, version, files) values ('a', 'clinic', 1, $1), ('b', 'clinic', 2, $1)",
        FILES,
    )
    await connection.execute(
        "insert into transfuse.migration (id, name, plan_name) values ($1, 'clinic', 'clinic')", found
    )
    await connection.close()
    return found


async def asked(api: Api, migration: uuid.UUID, method: str = "POST", role: str = "admin") -> tuple[int, Any]:
    async with (
        api.client(role) as client,
        client.request(method, f"/api/migrations/{migration}/preflight") as response,
    ):
        return response.status, await response.json()


async def test_a_preflight_is_asked_for_and_read_until_it_is_done(api: Api, migration: uuid.UUID) -> None:
    status, document = await asked(api, migration)
    assert (status, document["planVersion"], document["checks"]) == (202, 2, [])
    assert document["state"] in {"pending", "running"}
    run = uuid.UUID(document["runId"])
    connection = await asyncpg.connect(api.ledger)
    position = Position(file="plan.yml", line=3, column=7)
    await write_preflight(
        connection,
        run,
        [passed("legacy_version", "PostgreSQL 15"), failed("target_writable", "may not write", "GRANT INSERT;")],
        [Problem(position=position, message="there is no such column", suggestion="name")],
    )
    await connection.execute("select transfuse.stop_run($1, 'failed', 'preflight_failed', 'why', 'mend it')", run)
    await connection.close()
    status, document = await asked(api, migration, "GET", "viewer")
    assert (status, document["state"]) == (200, "failed")
    assert document["error"] == {"code": "preflight_failed", "message": "why", "remedy": "mend it"}
    good, bad = document["checks"]
    assert (good["code"], good["name"], good["state"]) == ("legacy_version", "Version of the legacy server", "passed")
    assert (bad["state"], bad["fix"]) == ("failed", "GRANT INSERT;")
    (finding,) = document["findings"]
    assert (finding["line"], finding["column"], finding["remedy"]) == (3, 7, "Write name.")
    assert document["checkedAt"] is not None


async def test_who_asks_twice_gets_the_same_one(api: Api, migration: uuid.UUID) -> None:
    (_, first), (_, second) = await asked(api, migration), await asked(api, migration)
    assert first["runId"] == second["runId"]


async def test_of_a_migration_that_was_deleted_there_is_none(api: Api, migration: uuid.UUID) -> None:
    await asked(api, migration)
    connection = await asyncpg.connect(api.ledger)
    await connection.execute("update transfuse.migration set deleted_at = now() where id = $1", migration)
    await connection.close()
    for method in ("GET", "POST"):
        status, problem = await asked(api, migration, method)
        assert (status, problem["code"]) == (404, "unknown_migration")
        assert problem["remedy"] == "List the migrations there are."


async def test_a_viewer_asks_for_none(api: Api, migration: uuid.UUID) -> None:
    assert (await asked(api, migration, role="viewer"))[0] == 403


async def test_there_is_none_before_somebody_asks_and_none_of_a_migration_that_is_not_there(
    api: Api, migration: uuid.UUID
) -> None:
    status, problem = await asked(api, migration, "GET")
    assert (status, problem["code"]) == (404, "no_preflight")
    for method in ("GET", "POST"):
        status, problem = await asked(api, uuid.uuid4(), method)
        assert (status, problem["code"]) == (404, "unknown_migration")
