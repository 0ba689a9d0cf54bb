"""Verifies over the API: asked for, read by mapping and column, listed row by row, repaired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from shared.postgres.pools import Session, open_pool
from tests.harness.api import Api
from tests.harness.databases import address_of
from tests.ledgers.ledger import Ledger, PlannedMapping

KEYS = [UUID(int=number) for number in range(1, 6)]


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway, and a completed run of a migration."""

    api: Api
    connection: asyncpg.Connection
    run: UUID

    async def ask(
        self, method: str, path: str, body: object = None, role: str = "migration_manager"
    ) -> tuple[int, dict[str, Any]]:
        """An answer and its status."""
        async with self.api.client(role) as client, client.request(method, path, json=body) as response:
            return response.status, msgspec.json.decode(await response.read())

    async def verify(self, body: object = None) -> UUID:
        """A verify of the run, asked for."""
        status, document = await self.ask("POST", f"/api/runs/{self.run}/verify", body or {})
        assert status == 202, document
        return UUID(document["id"])

    async def end(self, run: UUID, state: str = "completed") -> None:
        """Bring a run to its end."""
        for following in ("running", "finishing", state):
            await self.connection.execute("update transfuse.run set state = $2 where id = $1", run, following)


@pytest.fixture
async def world(api: Api) -> AsyncIterator[World]:
    connection = await asyncpg.connect(api.ledger)
    try:
        async with open_pool(address_of(api.ledger), "ledger", Session()) as pool:
            ledger = Ledger(address_of(api.ledger), pool, connection)
            run = await ledger.start(f"clinic {uuid4().hex}")
            await ledger.plan(run, PlannedMapping(name="patients"))
            await connection.execute("update transfuse.run set state = 'finishing' where id = $1", run)
            await connection.execute("update transfuse.run set state = 'completed' where id = $1", run)
            yield World(api=api, connection=connection, run=run)
    finally:
        await connection.close()


async def found(world: World, verify: UUID) -> None:
    """What services would write: ten rows compared, five of them not as they should be, one as its source is now."""
    await world.connection.execute(
        """insert into transfuse.run_mapping (run_id, mapping, position, state, cut_complete, driving_rows, from_rows)
           values ($1, 'patients', 0, 'complete', true, 10, 10)""",
        verify,
    )
    await world.connection.execute(
        """insert into transfuse.batch (run_id, mapping, seq, state, read_count, unchanged, quarantined, different)
           values ($1, 'patients', 1, 'settled', 10, 4, 1, 5)""",
        verify,
    )
    rows = [
        ("different", ["city", "name"], False),
        ("different", ["name"], True),
        ("missing", [], False),
        ("unexpected", [], None),
        ("extra", [], None),
    ]
    for key, (kind, columns, changed) in zip(KEYS, rows, strict=True):
        await world.connection.execute(
            """insert into transfuse.finding (id, run_id, mapping, pass, seq, kind, columns, target_key, sealed_key,
                                              source_changed) values ($1, $2, 'patients', 1, $3, $4, $5, $6, $7, $8)""",
            *(key, verify, None if kind == "extra" else 1, kind, columns, key, b"sealed", changed),
        )
        for column in ("", *columns):
            await world.connection.execute(
                "insert into transfuse.finding_count values ($1, 'patients', 1, $2, $3, $4, $5, 1)",
                *(verify, 0 if kind == "extra" else 1, kind, column, bool(changed)),
            )


async def test_a_verify_is_asked_for_and_read_by_mapping_and_column(world: World) -> None:
    verify = await world.verify()
    row = await world.connection.fetchrow("select kind, mode, about_run from transfuse.run where id = $1", verify)
    assert tuple(row) == ("verify", "compare", world.run)
    status, document = await world.ask("GET", f"/api/runs/{world.run}/verification", role="viewer")
    assert (status, document["runId"], document["outcome"]) == (200, str(verify), "not_checked")
    await found(world, verify)
    await world.end(verify)
    for run in (world.run, verify):
        status, document = await world.ask("GET", f"/api/runs/{run}/verification", role="viewer")
        assert (status, document["outcome"], document["about"]) == (200, "different", str(world.run))
    (mapping,) = document["mappings"]
    assert (document["differences"], document["repairable"], document["sample"]) == (4, 2, None)
    assert mapping == {
        "mapping": "patients",
        "outcome": "different",
        "checked": 10,
        "equal": 4,
        "absent": 1,
        "different": 1,
        "missing": 1,
        "unexpected": 1,
        "extra": 1,
        "changedSince": 1,
        "couldNotVerify": 0,
        "notChecked": 0,
        "columns": [{"column": "city", "rowCount": 1}, {"column": "name", "rowCount": 1}],
    }


async def test_rows_are_listed_page_by_page_by_mapping_and_kind_without_legacy_keys(world: World) -> None:
    verify = await world.verify()
    await found(world, verify)
    seen, cursor = [], ""
    while True:
        status, page = await world.ask("GET", f"/api/runs/{world.run}/findings?limit=2&cursor={cursor}", role="viewer")
        assert status == 200, page
        seen += page["findings"]
        cursor = page["nextCursor"] or ""
        if not cursor:
            break
    assert sorted(row["targetKey"] for row in seen) == sorted(map(str, KEYS))
    assert {tuple(row) for row in seen} == {("ref", "mapping", "kind", "columns", "targetKey", "sourceChanged")}
    _, page = await world.ask("GET", f"/api/runs/{verify}/findings?kind=missing&mapping=patients")
    assert [row["targetKey"] for row in page["findings"]] == [str(KEYS[2])]
    _, page = await world.ask("GET", f"/api/runs/{verify}/findings?mapping=others")
    assert page["findings"] == []


async def test_a_verify_that_did_not_come_to_its_end_is_no_pass(world: World) -> None:
    verify = await world.verify()
    await world.connection.execute("update transfuse.run set state = 'failed' where id = $1", verify)
    _, document = await world.ask("GET", f"/api/runs/{world.run}/verification")
    assert document["outcome"] == "could_not_verify"
    again = await world.verify()
    await found(world, again)
    await world.connection.execute("delete from transfuse.finding_count where run_id = $1", again)
    await world.connection.execute(
        "update transfuse.run_mapping set state = 'failed', from_rows = 25 where run_id = $1", again
    )
    await world.connection.execute("update transfuse.run set state = 'failed' where id = $1", again)
    _, document = await world.ask("GET", f"/api/runs/{world.run}/verification")
    assert (document["outcome"], document["mappings"][0]["couldNotVerify"]) == ("could_not_verify", 15)


async def test_what_a_sample_leaves_out_is_counted_as_not_checked(world: World) -> None:
    verify = await world.verify({"sample": 0.01})
    await world.connection.execute(
        """insert into transfuse.run_mapping (run_id, mapping, position, state, cut_complete, driving_rows, from_rows)
           values ($1, 'patients', 0, 'complete', true, 10, 10)""",
        verify,
    )
    await world.connection.execute(
        """insert into transfuse.batch (run_id, mapping, seq, state, read_count, unchanged)
           values ($1, 'patients', 1, 'settled', 10, 10)""",
        verify,
    )
    await world.connection.execute(
        "insert into transfuse.finding_count values ($1, 'patients', 1, 0, 'not_checked', '', false, 990)", verify
    )
    await world.end(verify)
    _, document = await world.ask("GET", f"/api/runs/{verify}/verification")
    assert (document["outcome"], document["sample"], document["extrasChecked"]) == ("equal", 0.01, False)
    assert (document["mappings"][0]["notChecked"], document["mappings"][0]["extra"]) == (990, None)


@pytest.mark.parametrize("share", (0, 1, -0.5, 2))
async def test_a_sample_is_a_share_between_nothing_and_all(world: World, share: float) -> None:
    status, _ = await world.ask("POST", f"/api/runs/{world.run}/verify", {"sample": share})
    assert status == 400


async def test_a_repair_merges_what_a_verify_found_and_nothing_where_there_is_nothing(world: World) -> None:
    status, document = await world.ask("POST", f"/api/runs/{world.run}/repair", {})
    assert document["code"] == "nothing_to_repair"
    verify = await world.verify()
    await found(world, verify)
    status, document = await world.ask("POST", f"/api/runs/{world.run}/repair", {})
    assert document["code"] == "not_allowed"
    await world.end(verify)
    status, document = await world.ask("POST", f"/api/runs/{world.run}/repair", {"withChanged": True})
    assert status == 202, document
    row = await world.connection.fetchrow(
        "select kind, mode, about_run, options ->> 'repairs_changed' as changed from transfuse.run where id = $1",
        UUID(document["id"]),
    )
    assert tuple(row) == ("replay", "merge", verify, "true")
    status, document = await world.ask("POST", f"/api/runs/{world.run}/verify", {})
    assert (status, document["code"]) == (409, "already_active")


async def test_only_runs_that_loaded_rows_to_their_end_can_be_verified(world: World) -> None:
    await world.connection.execute("update transfuse.run set mode = 'patch' where id = $1", world.run)
    _, document = await world.ask("POST", f"/api/runs/{world.run}/verify", {})
    assert document["code"] == "nothing_to_verify"
    status, document = await world.ask("POST", f"/api/runs/{uuid4()}/verify", {})
    assert (status, document["code"]) == (404, "unknown_run")
    _, document = await world.ask("GET", f"/api/runs/{world.run}/verification")
    assert (document["outcome"], document["runId"], document["mappings"]) == ("not_checked", str(world.run), [])


async def test_a_start_asks_for_a_verify_of_its_own_and_not_against_its_options(world: World) -> None:
    migration = await world.connection.fetchval("select migration_id from transfuse.run where id = $1", world.run)
    for options, status, code in (
        ({"verify": True, "skipValidation": True}, 400, "contradiction"),
        ({"mode": "compare"}, 409, "not_available"),
    ):
        form = {"migrationId": str(migration), "options": options}
        found_status, document = await world.ask("POST", "/api/migrations/start", form)
        assert (found_status, document["code"]) == (status, code)
    form = {"migrationId": str(migration), "options": {"verify": True}}
    status, document = await world.ask("POST", "/api/migrations/start", form)
    options = await world.connection.fetchval("select options from transfuse.run where id = $1", UUID(document["id"]))
    assert (status, msgspec.json.decode(options)["verify"]) == (202, True)
