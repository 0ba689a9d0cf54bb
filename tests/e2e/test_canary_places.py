"""Planted people appear in no undo record, finding, report, answer, socket event, nor in the broker's own files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import aio_pika
import aiohttp
import pytest

from services.gateway.resources.table import ENDPOINTS
from shared.core.states import RunState
from tests.harness.canary import LEGACY, NAMESPACE, PHONE, TABLES, TARGET, TOKEN, around, arrived, gives_away, plan_in
from tests.harness.clinic import fill
from tests.harness.command_line import transfuse
from tests.harness.databases import PREFIX, allow_reading, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.ledger import LedgerView, ledger_of
from tests.harness.own_servers import own_rabbitmq
from tests.harness.servers import Servers
from tests.harness.services import Services, services
from tests.harness.sockets import Client
from tests.harness.tokens import SECRET, token
from tests.servers.own import OwnRabbitMQ

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CHANGED = f"update person set note = note || ' again {TOKEN}', name = 'Bea{TOKEN}' where length(note) % 2 = 0"  # noqa: S608
TOUCHED = f"update people set name = 'Touched{TOKEN}' where id in (select id from people order by id limit 3)"  # noqa: S608
FORMER = "select count(*) from transfuse.manifest where octet_length(former) > 0"
FOUND = "select count(*) from transfuse.finding"
MERGED = "select id from transfuse.run where mode = 'merge' and kind = 'migrate' order by created_at desc limit 1"
COMMANDS = (("status",), ("runs",), ("quarantine",))


async def test_planted_people_appear_nowhere_whatever_is_done_about_their_rows(
    servers: Servers, open_path: Path
) -> None:
    places: dict[str, str | bytes] = {}
    async with own_rabbitmq(open_path) as broker, canary_installation(servers, broker.url) as (installation, owner):
        variables = {"PLAN_SECRET_CANARY_NAMESPACE": NAMESPACE, "JWT_SECRET": SECRET}
        async with (
            services(installation, **variables) as five,
            ledger_of(installation) as ledger,
            watching(five, ledger) as heard,
        ):
            await everything_is_done(installation, owner, ledger, five, places)
            places["the sockets' events"] = str(heard.said)
            assert heard.said
            places["the answers of the API"] = "\n".join(await answers(five, ledger))
            places["the metrics"] = await five.metrics()
            places["the ledger"] = await ledger.text()
            assert await ledger.connection.fetchval(FORMER) > 0, "no former value was kept"
            assert await ledger.connection.fetchval(FOUND) > 0, "nothing was found to differ"
            places["the broker's files"] = files_of(broker)
        places["the log"] = five.log.read_text(encoding="utf-8")
        assert await arrived(installation.target) > 0
        assert len(places["the broker's files"]) > 10_000
        assert {place: around(content) for place, content in places.items() if gives_away(content)} == {}
        await sing(broker)
        assert gives_away(files_of(broker)), "the search does not find what is there"


@asynccontextmanager
async def canary_installation(servers: Servers, rabbitmq: str) -> AsyncIterator[tuple[Installation, str]]:
    """The planted people installed, and the URL by which their source is written to."""
    await filled(servers.postgres, f"{PREFIX}canary", lambda url: fill(url, LEGACY))
    await filled(servers.postgres, f"{PREFIX}canary_target", lambda url: fill(url, TARGET))
    async with (
        copied(servers.postgres, f"{PREFIX}canary") as owner,
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=await allow_reading(owner, *TABLES),
            template=f"{PREFIX}canary_target",
            rabbitmq=rabbitmq,
            variables={"LOG_LEVEL": "debug", "JWT_SECRET": SECRET},
        ) as installation,
    ):
        yield installation, owner


async def everything_is_done(
    installation: Installation, owner: str, ledger: LedgerView, five: Services, places: dict[str, str | bytes]
) -> None:
    """A run, a second one that changes rows, verification, repair, a dry run, an edit, a replay, an undo."""
    plan = plan_in(installation.home, "arrives")

    async def said(*words: str) -> None:
        done = await transfuse(installation, *words)
        places[f"what `{' '.join(words[:1] + words[2:])}` says"] = done.text
        run = await ledger.progress.latest()
        assert run is not None
        snapshot = await ledger.progress.read(run)
        assert snapshot.state is RunState.COMPLETED, done.text

    await said("run", plan, "--batch-rows", "20")
    await fill(owner, CHANGED)
    await said("run", plan, "--mode", "merge", "--batch-rows", "20")
    merged = str(await ledger.connection.fetchval(MERGED))
    await fill(installation.target, TOUCHED)
    await said("verify")
    await said("run", plan, "--dry-run")
    await edits_are_asked_for(five, ledger, places)
    await said("replay")
    await said("undo", merged, "--built-on", "keep")
    for words in COMMANDS:
        places[f"what `{words[0]}` says"] = (await transfuse(installation, *words)).text


async def edits_are_asked_for(five: Services, ledger: LedgerView, places: dict[str, str | bytes]) -> None:
    """Values that somebody types: one that is kept, and one that is refused."""
    row = await ledger.connection.fetchrow(
        "select id, run_id from transfuse.quarantine where mapping = 'people' and resolution = '' limit 1"
    )
    path = f"/api/runs/{row['run_id']}/quarantine/{row['id']}/edit"
    heard = []
    async with aiohttp.ClientSession(five.url("gateway"), headers=signed_in()) as client:
        for column, value in (("p.note", f"typed {TOKEN}"), ("p.unheard_of", f"+1{PHONE}"), ("p.age", 7)):
            form = {"column": column, "value": value, "reason": "corrected on the phone"}
            async with client.post(path, json=form) as response:
                heard.append(f"{response.status} {await response.text()} {response.headers}")
    places["the answers to edits"] = "\n".join(heard)
    assert [line[:1] for line in heard] == ["2", "4", "4"], heard


async def answers(five: Services, ledger: LedgerView) -> list[str]:
    """Every answer of a GET, in all its forms, with its headers."""
    migration, runs = await ids(ledger)
    found = []
    async with aiohttp.ClientSession(five.url("gateway"), headers=signed_in()) as client:
        for endpoint in ENDPOINTS:
            if endpoint.method != "GET" or "{file}" in endpoint.path:
                continue
            for one in runs if "/runs/{id}" in endpoint.path else [migration]:
                path = endpoint.path.replace("{id}", str(one)).replace("{name}", "arrives")
                for kind in ("application/json", "text/html"):
                    async with client.get(path, headers={"Accept": kind}) as response:
                        found.append(f"{response.headers} {await response.text()}")
    assert len(found) > len(ENDPOINTS)
    return found


async def ids(ledger: LedgerView) -> tuple[UUID, list[UUID]]:
    """The migration and its runs."""
    rows = await ledger.connection.fetch("select id, migration_id from transfuse.run")
    return rows[0]["migration_id"], [row["id"] for row in rows]


@asynccontextmanager
async def watching(five: Services, ledger: LedgerView) -> AsyncIterator[Client]:
    """A client that hears of the migration from the moment that there is one."""

    async def join() -> None:
        await ledger.youngest()
        migration, _ = await ids(ledger)
        assert await client.connect(five.url("notifier"), token())
        await client.ask("migration:subscribe", str(migration))
        await client.ask("system:subscribe")

    async with AsyncExitStack() as stack:
        client = Client()
        stack.push_async_callback(client.close)
        joining = asyncio.create_task(join(), name="joining")
        stack.callback(joining.cancel)
        yield client


def signed_in() -> dict[str, str]:
    """The header of somebody who may do everything."""
    return {"Authorization": f"Bearer {token()}"}


def files_of(broker: OwnRabbitMQ) -> bytes:
    """All that the broker has written to its folder."""
    return b"\n".join(path.read_bytes() for path in sorted(broker.folder.rglob("*")) if path.is_file())


async def sing(broker: OwnRabbitMQ) -> None:
    """Put a planted person into the broker in the clear."""
    async with await aio_pika.connect(broker.url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("song", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(TOKEN.encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key="song")
