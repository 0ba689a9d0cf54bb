"""The loader shows one refused row to who has the service token, and to nobody else."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import msgspec
import pytest

from services.loader.app import build
from services.loader.settings import LoaderSettings
from shared.bus.memory import MemoryBus
from shared.crypto.keyring import Keyring
from shared.ledger.audit import Audit, AuditFilter
from shared.ledger.init import generate_passwords, initialise, uninstall
from shared.postgres.pools import Session, open_pool
from shared.settings.environ import Environment
from shared.settings.secret import Secret
from tests.conftest import DatabaseFactory
from tests.ledgers.ledger import Ledger, address_of
from tests.loading.target import Body, Target, batch, program

TOKEN = "a-service-token-of-the-tests-that-is-long-enough"
TABLES = "create table people (id uuid primary key, email text unique, age integer check (age > 0))"
PROGRAM = program("people", ("id", "email", "age"))
CANARY = "jane.canary@example.org"
SELECT = f"select md5('row ' || g)::uuid, '{CANARY}', g from generate_series(1, 2) g"  # noqa: S608 - constants


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A run with one row in quarantine, and settings of a loader with its own role."""

    target: Target
    settings: LoaderSettings
    run: UUID
    row: UUID


@pytest.fixture
async def refused(new_database: DatabaseFactory) -> AsyncIterator[Refused]:
    admin = address_of(await new_database("unmasking"))
    prefix, passwords = f"tf_{secrets.token_hex(4)}", generate_passwords()
    connection = await asyncpg.connect(admin.url.reveal())
    await connection.execute(TABLES)
    await initialise(admin, passwords=passwords, role_prefix=prefix)
    async with open_pool(admin, "ledger", Session()) as pool:
        made = Target(Ledger(admin, pool, connection))
        run = await made.run({"people": PROGRAM})
        await made.load(batch(run, "people"), Body(select=SELECT))
        row = await connection.fetchval("select id from transfuse.quarantine")
        role = msgspec.structs.replace(admin, user=f"{prefix}_loader", password=Secret(passwords["loader"]))
        settings = LoaderSettings(
            environment=Environment.TEST, port=0, target=role, keyring=made.keyring, service_token=Secret(TOKEN)
        )
        yield Refused(target=made, settings=settings, run=run, row=row)
    await connection.close()
    await uninstall(admin)


@asynccontextmanager
async def at_work(settings: LoaderSettings) -> AsyncIterator[str]:
    """The internal address of a loader."""
    async with MemoryBus() as bus, build(settings, bus) as service, asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(), name="loader")
        await service.ready()
        yield f"http://127.0.0.1:{service.port}"
        await service.drain()


async def ask(url: str, run: object, row: object, token: str | None = TOKEN) -> tuple[int, Any]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.post(f"{url}/internal/quarantine/{row}/unmask", json={"run": str(run)}) as response,
    ):
        content = await response.text()
        return response.status, msgspec.json.decode(content) if content.startswith("{") else content


async def test_a_row_is_shown_in_clear_to_who_has_the_service_token(
    refused: Refused, capfd: pytest.CaptureFixture[str]
) -> None:
    async with at_work(refused.settings) as url:
        status, row = await ask(url, refused.run, refused.row)
    assert status == 200
    assert row["mapping"] == "people"
    assert row["legacyKey"] == "legacy 2"
    assert (row["columns"]["email"], row["columns"]["age"]) == (CANARY, "2")
    (entry,) = await Audit(refused.target.ledger.pool).list(AuditFilter(action="quarantine.open"))
    assert (entry.actor, entry.object_id) == ("loader", str(refused.row))
    assert msgspec.json.decode(entry.detail) == {"run": str(refused.run), "mapping": "people"}
    said = capfd.readouterr()
    assert "a row was unmasked" in said.out + said.err
    assert CANARY not in said.out + said.err
    assert "legacy 2" not in said.out + said.err


@pytest.mark.parametrize("token", (None, "", TOKEN[:-1], f"{TOKEN}x", "\u00fc" * 40))
async def test_who_has_another_token_learns_nothing(refused: Refused, token: str | None) -> None:
    async with at_work(refused.settings) as url:
        assert await ask(url, refused.run, refused.row, token) == (401, {"code": "token_refused"})
        assert await ask(url, refused.run, uuid.uuid4(), token) == (401, {"code": "token_refused"})
    assert await Audit(refused.target.ledger.pool).list(AuditFilter()) == ()


async def test_a_row_of_another_run_is_not_there(refused: Refused) -> None:
    async with at_work(refused.settings) as url:
        assert await ask(url, uuid.uuid4(), refused.row) == (404, {"code": "unknown_row"})
        assert await ask(url, refused.run, uuid.uuid4()) == (404, {"code": "unknown_row"})
        for run, row in ((refused.run, "x"), ("x", refused.row)):
            assert await ask(url, run, row) == (400, {"code": "bad_request"})


async def test_without_a_token_there_is_nothing_to_ask(refused: Refused) -> None:
    settings = msgspec.structs.replace(refused.settings, service_token=None)
    async with at_work(settings) as url:
        assert (await ask(url, refused.run, refused.row))[0] == 404
        async with aiohttp.ClientSession(url) as client, client.get("/healthz") as response:
            assert response.status == 200


async def test_a_row_whose_key_is_gone_stays_sealed(refused: Refused) -> None:
    stranger = msgspec.structs.replace(refused.settings, keyring=Keyring([b"x" * 32]))
    async with at_work(stranger) as url:
        assert await ask(url, refused.run, refused.row) == (409, {"code": "key_not_listed"})
    await refused.target.connection.execute("delete from transfuse.run_key")
    async with at_work(refused.settings) as url:
        assert await ask(url, refused.run, refused.row) == (409, {"code": "run_key_gone"})


async def test_an_altered_row_is_not_shown(refused: Refused) -> None:
    await refused.target.connection.execute(
        "update transfuse.quarantine set sealed_row = set_byte(sealed_row, 20, get_byte(sealed_row, 20) # 1)"
    )
    async with at_work(refused.settings) as url:
        assert await ask(url, refused.run, refused.row) == (500, {"code": "seal_broken"})
