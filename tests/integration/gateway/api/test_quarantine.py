"""Refused rows over the API: masked for everybody, one in clear for an administrator with a reason."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.loader.app import build
from services.loader.settings import LoaderSettings
from shared.bus.memory import MemoryBus
from shared.messages.data import Reason, RefusedRow
from shared.postgres.pools import Session, open_pool
from shared.settings.environ import Environment
from shared.settings.secret import Secret
from tests.harness.api import Api, gateway_on
from tests.harness.databases import address_of
from tests.harness.ledger import until
from tests.ledgers.ledger import Ledger
from tests.loading.target import Body, Target, batch, program
from tests.servers.proxy import Proxy

TOKEN = "a-service-token-of-the-tests-that-is-long-enough"
REASON = "The clinic asked why this patient is missing."
TABLES = "create table people (id uuid primary key, email text unique, age integer check (age > 0), city text)"
PROGRAM = program("people", ("id", "email", "age", "city"), clear=("city",))
EMAIL, NAME, LEGACY = "jane.canary@example.org", "Canary-Jane", "canary-legacy-17"
CANARIES = (EMAIL, NAME, LEGACY, "legacy 2")
SELECT = (
    f"select md5('row ' || g)::uuid, '{EMAIL}', case when g = 3 then -1 else g end, 'Graz' from generate_series(1, 3) g"  # noqa: S608 - constants
)
PATIENT = RefusedRow(
    legacy_key=LEGACY,
    target_key=bytes(16),
    reasons=(Reason(code="bad_date", column="birth_date"), Reason(code="rule", column="plausible birth date")),
    row=msgspec.json.encode({"p.name": NAME, "p.born": "31.02.1990", "p.phone": None}),
)


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway, a loader behind a way that can be cut, and a run with three refused rows."""

    api: Api
    proxy: Proxy
    target: Target
    run: UUID

    @property
    def path(self) -> str:
        return f"/api/runs/{self.run}/quarantine"

    async def read(self, query: str = "", role: str | None = "viewer") -> tuple[int, dict[str, Any]]:
        async with self.api.client(role) as client, client.get(self.path + query) as response:
            text = await response.text()
            assert not [word for word in CANARIES if word in text]
            return response.status, msgspec.json.decode(text)

    async def unmask(
        self, row: object, role: str | None = "admin", reason: str = REASON
    ) -> tuple[int, dict[str, Any], str]:
        async with (
            self.api.client(role) as client,
            client.post(f"{self.path}/{row}/unmask", json={"reason": reason}) as response,
        ):
            return response.status, await response.json(), response.headers["Cache-Control"]

    async def audit(self) -> list[asyncpg.Record]:
        return list(
            await self.target.connection.fetch(
                """select actor, role, action, object_kind, object_id, outcome, detail::text as detail
                     from transfuse.audit where action = 'quarantine.unmask' order by seq"""
            )
        )


@pytest.fixture
async def world(postgres_server: str) -> AsyncIterator[World]:
    async with (
        Proxy("127.0.0.1", 0) as proxy,
        gateway_on(
            postgres_server, loader_url=Secret(f"http://127.0.0.1:{proxy.port}/"), service_token=Secret(TOKEN)
        ) as api,
        open_pool(address_of(api.ledger), "ledger", Session()) as pool,
    ):
        connection = await asyncpg.connect(api.ledger)
        await connection.execute(TABLES)
        target = Target(Ledger(address_of(api.ledger), pool, connection))
        run = await target.run({"people": PROGRAM})
        await target.load(batch(run, "people"), Body(select=SELECT, refused=(PATIENT,)))
        settings = LoaderSettings(
            environment=Environment.TEST,
            port=0,
            target=address_of(api.ledger),
            keyring=target.keyring,
            service_token=Secret(TOKEN),
        )
        async with MemoryBus() as bus, build(settings, bus) as loader, asyncio.TaskGroup() as tasks:
            tasks.create_task(loader.run(), name="loader")
            await loader.ready()
            assert loader.port is not None
            proxy.lead_to("127.0.0.1", loader.port)
            yield World(api=api, proxy=proxy, target=target, run=run)
            await loader.drain()
        await connection.close()


async def row_of(world: World, mapping: str = "people", reason: str = "bad_date") -> dict[str, Any]:
    _, page = await world.read(f"?reason={reason}&mapping={mapping}")
    (row,) = page["rows"]
    return dict(row)


async def test_many_who_count_a_large_quarantine_leave_the_api_to_the_others(world: World) -> None:
    ledger = world.target.connection

    async def two_wait() -> bool:
        query = "select count(*) from pg_locks where relation = 'transfuse.quarantine'::regclass and not granted"
        return int(await ledger.fetchval(query)) >= 2

    async with asyncio.TaskGroup() as tasks, ledger.transaction():
        await ledger.execute("lock table transfuse.quarantine in access exclusive mode")
        counting = [tasks.create_task(world.read()) for _ in range(12)]
        await until(two_wait)
        async with world.api.client("viewer") as client, asyncio.timeout(3):
            for _ in range(10):
                async with client.get(f"/api/runs/{world.run}") as response:
                    assert response.status == 200
    assert {status for status, _ in await asyncio.gather(*counting)} == {200}


async def test_rows_are_counted_by_reason_with_words_for_each(world: World) -> None:
    status, page = await world.read()
    assert status == 200
    assert (page["count"], page["waiting"], page["rows"], page["nextCursor"]) == (3, 3, None, None)
    assert [(group["stage"], group["reason"], group["column"], group["count"]) for group in page["groups"]] == [
        ("load", "check", "people_age_check", 1),
        ("load", "duplicate_of", "email", 1),
        ("transform", "bad_date", "birth_date", 1),
        ("transform", "rule", "plausible birth date", 1),
    ]
    assert all(group["title"] and group["remedy"].endswith(".") for group in page["groups"])
    _, by_mapping = await world.read("?by=mapping")
    assert [(group["mapping"], group["count"], group["reason"]) for group in by_mapping["groups"]] == [
        ("people", 3, "")
    ]
    _, by_column = await world.read("?by=column")
    assert len(by_column["groups"]) == 4


async def test_a_chosen_reason_lists_its_rows_with_the_kind_of_every_value(world: World) -> None:
    row = await row_of(world)
    assert (row["mapping"], row["stage"], row["state"]) == ("people", "transform", "waiting")
    assert [reason["reason"] for reason in row["reasons"]] == ["bad_date", "rule"]
    assert {column["name"]: column["kind"] for column in row["columns"]} == {
        "p.name": "text",
        "p.born": "text",
        "p.phone": "null",
    }
    assert all(column["value"] is None and not column["clear"] for column in row["columns"])
    assert "length" not in str(row)
    refused_by_target = await row_of(world, reason="check")
    shown = {column["name"]: column["value"] for column in refused_by_target["columns"] if column["clear"]}
    assert shown == {"city": "Graz"}


async def test_reason_and_column_are_of_one_and_the_same_reason(world: World) -> None:
    assert len((await world.read("?reason=rule&column=plausible%20birth%20date"))[1]["rows"]) == 1
    assert (await world.read("?reason=rule&column=birth_date"))[1]["rows"] == []
    assert (await world.read("?mapping=nobody"))[1]["rows"] == []


@pytest.mark.parametrize(
    ("query", "reasons"),
    (
        ("?column=birth_date", ["bad_date"]),
        ("?mapping=people&column=email", ["duplicate_of"]),
        ("?mapping=people", ["check", "duplicate_of", "bad_date", "rule"]),
        ("?mapping=nobody", []),
        ("?mapping=people&reason=rule", ["check", "duplicate_of", "bad_date", "rule"]),
        ("?by=mapping&column=email", [""]),
        ("?by=mapping&column=nothing", []),
        ("?by=column&column=birth_date", [""]),
    ),
)
async def test_mapping_and_column_narrow_the_groups_as_they_do_the_rows(
    world: World, query: str, reasons: list[str]
) -> None:
    _, page = await world.read(query)
    assert [group["reason"] for group in page["groups"]] == reasons
    assert {group["count"] for group in page["groups"]} <= ({1} if "column" in query else {1, 3})
    assert page["count"] == 3, "the whole quarantine is counted whatever is chosen"


async def test_pages_hold_every_row_exactly_once(world: World) -> None:
    refs, query = [], "?mapping=people&limit=2"
    status, page = await world.read(query)
    while True:
        refs += [row["ref"] for row in page["rows"]]
        if page["nextCursor"] is None:
            break
        status, page = await world.read(f"{query}&cursor={page['nextCursor']}")
        assert (status, page["groups"]) == (200, None)
    assert len(refs) == len(set(refs)) == 3


async def test_rows_that_somebody_has_decided_on_are_told_from_those_that_wait(world: World) -> None:
    await world.target.connection.execute(
        "update transfuse.quarantine set resolution = 'discarded', resolved_at = now() where stage = 'transform'"
    )
    assert (await world.read())[1]["waiting"] == 2
    assert (await row_of(world))["state"] == "discarded"
    assert len((await world.read("?mapping=people&state=waiting"))[1]["rows"]) == 2
    assert {group["stage"] for group in (await world.read("?state=discarded"))[1]["groups"]} == {"transform"}


@pytest.mark.parametrize("query", ("?cursor=x", "?cursor=x&mapping=people", "?by=name", "?limit=0", "?state=lost"))
async def test_a_question_that_makes_no_sense_is_refused(world: World, query: str) -> None:
    assert (await world.read(query))[0] == 400


async def test_a_cursor_of_another_run_is_refused_and_an_unknown_run_is_not_there(world: World) -> None:
    _, page = await world.read("?mapping=people&limit=1")
    other = await world.target.run({"people": PROGRAM})
    async with world.api.client() as client:
        async with client.get(f"/api/runs/{other}/quarantine?mapping=people&cursor={page['nextCursor']}") as response:
            assert response.status == 400
        async with client.get(f"/api/runs/{uuid.uuid4()}/quarantine") as response:
            assert response.status == 404


async def test_an_administrator_sees_one_row_in_clear_and_the_audit_has_the_reason_before_it(world: World) -> None:
    row = await row_of(world)
    status, shown, cache = await world.unmask(row["ref"])
    assert (status, cache) == (200, "no-store")
    assert (shown["ref"], shown["mapping"], shown["legacyKey"]) == (row["ref"], "people", LEGACY)
    assert shown["columns"] == {"p.name": NAME, "p.born": "31.02.1990", "p.phone": None}
    left = datetime.fromisoformat(shown["expiresAt"]) - datetime.now().astimezone()
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)
    begun, done = await world.audit()
    assert (begun["outcome"], done["outcome"]) == ("begun", "done")
    assert {(entry["role"], entry["object_kind"], entry["object_id"]) for entry in (begun, done)} == {
        ("admin", "quarantine", row["ref"])
    }
    told, found = (msgspec.json.decode(entry["detail"]) for entry in (begun, done))
    assert UUID(told.pop("subject")) == UUID(found.pop("subject"))
    assert told == {"reason": REASON}
    assert found == {"run": str(world.run), "mapping": "people", "status": 200}
    assert not [word for word in CANARIES if word in str(begun) + str(done)]


async def test_nobody_else_sees_a_row_and_each_attempt_is_in_the_audit(world: World) -> None:
    row = await row_of(world)
    for role in ("migration_manager", "viewer", None):
        status, problem, _ = await world.unmask(row["ref"], role)
        assert (status, problem["code"]) == (403, "forbidden")
    assert [entry["outcome"] for entry in await world.audit()] == ["refused"] * 3


@pytest.mark.parametrize(
    "reason",
    (
        "",
        "too short",
        " " * 20,
        "x" * 501,
        "a reason that holds\na line",
        "a reason with an end\n",
        "a reason with a \x85",
    ),
)
async def test_without_a_proper_reason_nothing_is_shown(world: World, reason: str) -> None:
    row = await row_of(world)
    assert (await world.unmask(row["ref"], reason=reason))[0] == 400
    assert await world.audit() == []


async def test_a_row_that_is_not_there_is_refused(world: World) -> None:
    status, problem, _ = await world.unmask(uuid.uuid4())
    assert (status, problem["code"]) == (404, "unknown_row")
    assert [entry["outcome"] for entry in await world.audit()] == ["begun", "refused"]


async def test_without_the_loader_nothing_is_shown_and_it_goes_on_when_the_loader_is_back(world: World) -> None:
    row = await row_of(world)
    world.proxy.refuse(refuse=True)
    status, problem, _ = await world.unmask(row["ref"])
    assert (status, problem["code"]) == (503, "unmask_unavailable")
    world.proxy.refuse(refuse=False)
    assert (await world.unmask(row["ref"]))[0] == 200
    assert [entry["outcome"] for entry in await world.audit()] == ["begun", "failed", "begun", "done"]


async def test_a_row_whose_key_is_gone_stays_sealed(world: World) -> None:
    row = await row_of(world)
    await world.target.connection.execute("delete from transfuse.run_key")
    status, problem, _ = await world.unmask(row["ref"])
    assert (status, problem["code"]) == (409, "run_key_gone")


async def test_a_gateway_that_knows_no_loader_says_so(api: Api) -> None:
    connection = await asyncpg.connect(api.ledger)
    await connection.execute(TABLES)
    async with open_pool(address_of(api.ledger), "ledger", Session()) as pool:
        target = Target(Ledger(address_of(api.ledger), pool, connection))
        run = await target.run({"people": PROGRAM})
        await target.load(batch(run, "people"), Body(select=SELECT))
    row = await connection.fetchval("select id from transfuse.quarantine limit 1")
    await connection.close()
    async with (
        api.client() as client,
        client.post(f"/api/runs/{run}/quarantine/{row}/unmask", json={"reason": REASON}) as response,
    ):
        assert (response.status, (await response.json())["code"]) == (503, "unmask_unavailable")
