"""Refused rows over the API: replays are started, values edited, rows given up; the audit has who and why."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.loader.app import build
from services.loader.settings import LoaderSettings
from shared.bus.memory import MemoryBus
from shared.crypto.aad import edit_aad
from shared.messages.data import Reason, RefusedRow
from shared.plan.compiled import SourceColumn, decode_compiled, encode_compiled
from shared.postgres.pools import Session, open_pool
from shared.settings.environ import Environment
from shared.settings.secret import Secret
from tests.harness.api import Api, gateway_on
from tests.harness.databases import address_of
from tests.ledgers.ledger import Ledger
from tests.loading.target import Body, Target, batch, program
from tests.servers.proxy import Proxy

TOKEN = "a-service-token-of-the-tests-that-is-long-enough"
WHY = "The clinic has corrected the date."
PEOPLE = {"people": program("people", ("id", "name")), "orders": program("orders", ("id", "name"))}
OLD, NEW = "31.02.1990-canary", "1990-02-28-canary"
NONE = "select '00000000-0000-0000-0000-000000000000'::uuid, '' where false"


def refused(number: int, code: str, column: str) -> RefusedRow:
    return RefusedRow(
        legacy_key=f"legacy {number}",
        target_key=UUID(int=number).bytes,
        reasons=(Reason(code=code, column=column),),
        row=msgspec.json.encode({"p.name": "x", "p.born": OLD}),
    )


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway, a loader, and a completed run that refused three people and an order."""

    api: Api
    target: Target
    run: UUID

    async def post(self, what: str, body: object, role: str = "admin") -> tuple[int, dict[str, Any]]:
        async with (
            self.api.client(role) as client,
            client.post(f"/api/runs/{self.run}/{what}", json=body) as response,
        ):
            return response.status, msgspec.json.decode(await response.read())

    async def ref(self, number: int) -> UUID:
        found: UUID = await self.target.connection.fetchval(
            "select id from transfuse.quarantine where target_key = $1", UUID(int=number)
        )
        return found

    async def states(self) -> list[str]:
        rows = await self.target.connection.fetch("select resolution from transfuse.quarantine order by target_key")
        return [row[0] or "waiting" for row in rows]

    async def audit(self, action: str) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.target.connection.fetch(
            "select outcome, detail::text from transfuse.audit where action = $1 and actor <> 'loader' order by seq",
            action,
        )
        return [(row[0], msgspec.json.decode(row[1])) for row in rows]


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
        await connection.execute("create table people (id uuid primary key, name text)")
        await connection.execute("create table orders (id uuid primary key, name text)")
        target = Target(Ledger(address_of(api.ledger), pool, connection))
        run = await target.run(PEOPLE)
        await reading_columns(target, run)
        people = (refused(1, "bad_date", "born"), refused(2, "bad_date", "born"), refused(3, "rule", "good"))
        await target.load(batch(run, "people"), Body(select=NONE, refused=people))
        await target.load(batch(run, "orders"), Body(select=NONE, refused=(refused(4, "bad_date", "born"),)))
        await connection.execute("update transfuse.run set state = 'finishing'")
        await connection.execute("update transfuse.run set state = 'completed'")
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
            yield World(api=api, target=target, run=run)
            await loader.drain()
        await connection.close()


async def reading_columns(target: Target, run: UUID) -> None:
    """Let the run's plan read `p.born` for people, and know orders by their content alone."""
    plan = decode_compiled(await target.connection.fetchval("select compiled from transfuse.run where id = $1", run))
    born = SourceColumn(name="c0", alias="p", column="born", sql="p.born", type_name="text", duck_type="VARCHAR")
    mappings = tuple(
        msgspec.structs.replace(
            one, source=msgspec.structs.replace(one.source, columns=(born,), content_key=one.name == "orders")
        )
        for one in plan.mappings
    )
    compiled = encode_compiled(msgspec.structs.replace(plan, mappings=mappings))
    await target.connection.execute("update transfuse.run set compiled = $2 where id = $1", run, compiled)


async def test_a_replay_is_a_run_about_the_one_whose_rows_it_reads(world: World) -> None:
    status, run = await world.post("replay", {"reason": "bad_date", "mapping": "people"}, "migration_manager")
    assert (status, run["kind"], run["mode"], run["state"]) == (202, "replay", "insert", "pending")
    row = await world.target.connection.fetchrow(
        "select about_run, options::text, actor from transfuse.run where id = $1", UUID(run["id"])
    )
    assert row["about_run"] == world.run
    assert msgspec.json.decode(row["options"]) == {"replay": {"code": "bad_date", "mapping": "people"}}
    assert row["actor"] == "someone@example.org"
    status, problem = await world.post("replay", {"all": True})
    assert (status, problem["code"]) == (409, "already_active")
    status, problem = await world.post("quarantine/discard", {"choice": {"all": True}, "reason": WHY})
    assert (status, problem["code"]) == (409, "replay_active")


@pytest.mark.parametrize(
    "choice",
    ({}, {"all": False}, {"all": True, "reason": "rule"}, {"rows": []}, {"rows": [str(uuid.uuid4())], "mapping": "x"}),
)
async def test_rows_are_chosen_in_one_way(world: World, choice: dict[str, object]) -> None:
    assert (await world.post("replay", choice))[0] == 400
    assert (await world.post("quarantine/discard", {"choice": choice, "reason": WHY}))[0] == 400
    assert await world.states() == ["waiting"] * 4


async def test_where_nothing_waits_nothing_is_started(world: World) -> None:
    for choice in ({"rows": [str(uuid.uuid4())]}, {"reason": "nothing"}):
        status, problem = await world.post("replay", choice)
        assert (status, problem["code"]) == (409, "nothing_waits")
    async with (
        world.api.client() as client,
        client.post(f"/api/runs/{uuid.uuid4()}/replay", json={"all": True}) as response,
    ):
        assert response.status == 404


async def test_rows_of_a_back_fill_or_of_an_undone_run_are_not_replayed(world: World) -> None:
    await world.target.connection.execute("update transfuse.run set mode = 'patch'")
    assert (await world.post("replay", {"all": True}))[1]["code"] == "not_replayable"
    await world.target.connection.execute("update transfuse.run set mode = 'insert', undone_at = now()")
    assert (await world.post("replay", {"all": True}))[1]["code"] == "undone"


async def test_rows_are_given_up_one_by_one_by_reason_or_all_with_a_reason_in_the_audit(world: World) -> None:
    ref = str(await world.ref(3))
    status, found = await world.post("quarantine/discard", {"choice": {"rows": [ref]}, "reason": WHY})
    assert (status, found) == (200, {"count": 1, "mappings": {"people": 1}})
    assert await world.states() == ["waiting", "waiting", "discarded", "waiting"]
    body = {"choice": {"reason": "bad_date", "mapping": "people"}, "reason": WHY}
    assert (await world.post("quarantine/discard", body, "migration_manager"))[1]["count"] == 2
    assert (await world.post("quarantine/discard", {"choice": {"all": True}, "reason": WHY}))[1]["count"] == 1
    assert await world.states() == ["discarded"] * 4
    assert (await world.post("quarantine/discard", {"choice": {"all": True}, "reason": WHY}))[0] == 409
    audit = await world.audit("quarantine.discard")
    assert [outcome for outcome, _ in audit] == ["begun", "done"] * 3 + ["begun", "refused"]
    assert audit[0][1]["reason"] == WHY
    done = [detail for outcome, detail in audit if outcome == "done"]
    assert [(detail["rows"], detail["mappings"]) for detail in done] == [
        (1, "people 1"),
        (2, "people 2"),
        (1, "orders 1"),
    ]
    assert (await world.post("quarantine/discard", {"choice": {"all": True}, "reason": "short"}))[0] == 400


async def test_an_edited_value_is_sealed_with_the_old_one_and_who_edited_it(world: World) -> None:
    ref = await world.ref(1)
    status, found = await world.post(f"quarantine/{ref}/edit", {"column": "p.born", "value": NEW, "reason": WHY})
    assert (status, found) == (200, {"ref": str(ref), "mapping": "people", "column": "p.born", "keptOld": True})
    edit = await world.target.connection.fetchrow("select * from transfuse.quarantine_edit")
    assert (edit["actor"], edit["reason"], edit["target_key"]) == ("someone@example.org", WHY, UUID(int=1))
    for what, value in (("old", OLD), ("new", NEW)):
        plain = world.target.keys[world.run].open_(edit[f"sealed_{what}"], edit_aad(world.run, ref, "p.born", what))
        assert msgspec.json.decode(plain) == value
    audit = await world.audit("quarantine.edit")
    assert [outcome for outcome, _ in audit] == ["begun", "done"]
    assert ("column" in audit[0][1], audit[0][1]["reason"], audit[1][1]["column"]) == (False, WHY, "p.born")
    rows = await world.target.connection.fetch("select a::text from transfuse.audit a")
    rows += await world.target.connection.fetch("select e::text from transfuse.quarantine_edit e")
    assert not [row for row in rows if "canary" in row[0]]


@pytest.mark.parametrize(
    ("number", "column", "status", "code"),
    ((1, "p.unknown", 422, "unknown_column"), (4, "p.born", 409, "no_identity"), (3, "p.born", 409, "not_waiting")),
)
async def test_what_cannot_be_edited_is_refused_and_nothing_is_kept(
    world: World, number: int, column: str, status: int, code: str
) -> None:
    await world.target.connection.execute(
        "update transfuse.quarantine set resolution = 'discarded' where target_key = $1", UUID(int=3)
    )
    found = await world.post(
        f"quarantine/{await world.ref(number)}/edit", {"column": column, "value": None, "reason": WHY}
    )
    assert (found[0], found[1]["code"]) == (status, code)
    assert await world.target.connection.fetchval("select count(*) from transfuse.quarantine_edit") == 0


async def test_who_may_not_see_rows_may_not_edit_them(world: World) -> None:
    body = {"column": "p.born", "value": NEW, "reason": WHY}
    for role in ("migration_manager", "viewer"):
        assert (await world.post(f"quarantine/{await world.ref(1)}/edit", body, role))[0] == 403
    assert (await world.post("replay", {"all": True}, "viewer"))[0] == 403
