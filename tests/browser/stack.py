"""The whole product in one process, as its users start it: a portal to migrate, a plan, accounts of all roles."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import asyncpg
import msgspec

from shared.settings.addresses import PostgresAddress
from shared.settings.secret import Secret
from tests.harness.command_line import started, transfuse
from tests.harness.installation import Installation
from tests.harness.portal import PLAN, SEED
from transfuse.embedded.postgres_files import PASSWORD
from transfuse.samples.portal.generate import generate
from transfuse.samples.portal.target import create_target

SCALE: Final = 0.01
CANARY: Final = "Qzcanary"
"""Part of a name of every legacy person: where it is read, somebody's data can be read."""
PLANTED: Final = f"update auth_user set last_name = '{CANARY}' || coalesce(last_name, '')"  # noqa: S608 - no value of anybody
ROLES: Final = ("admin", "migration_manager", "viewer")
READY: Final = "The password of PostgreSQL is in"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may sign in."""

    email: str
    password: str


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser's tests need to know. The fields' names are read in `dashboard/e2e/stack.ts`."""

    url: str
    plan: str
    migration: str
    canary: str
    accounts: Mapping[str, Account]

    def written(self, folder: Path) -> Path:
        """The same as a file that only we read."""
        path = folder / "stack.json"
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(self))
        return path


@asynccontextmanager
async def stack(folder: Path) -> AsyncIterator[Stack]:
    """`transfuse up --embedded` with its databases filled, three accounts and one registered migration."""
    home = folder / "home"
    installation = Installation(home=home, legacy="", target="", role_prefix="", bus_prefix="", rabbitmq=None)
    async with started(installation, "up", "--embedded", API_PORT="0") as process:
        said = await _said(process)
        await _fill(home, int(_word(said, "psql -h", "-p ")))
        accounts = {role: await _account(installation, role) for role in ROLES}
        url = _word(said, "The dashboard is at", "is at ")
        found = Stack(url=url, plan="portal", migration="Patient portal", canary=CANARY, accounts=accounts)
        await _register(found)
        draining = asyncio.create_task(_drained(process))
        try:
            yield found
        finally:
            draining.cancel()


async def _said(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    lines = ""
    async with asyncio.timeout(60):
        while line := (await process.stdout.readline()).decode():
            lines += line
            if READY in line:
                return lines
    assert process.stderr is not None
    raise AssertionError(lines + (await process.stderr.read()).decode())


def _word(said: str, line: str, before: str) -> str:
    """The word that follows `before` in the first line with `line`."""
    found = next(candidate for candidate in said.splitlines() if line in candidate)
    return found.split(before, 1)[1].split()[0]


async def _drained(process: asyncio.subprocess.Process) -> None:
    """Read what it says, so that it never waits for a reader."""
    assert process.stdout is not None
    while await process.stdout.readline():
        pass


async def _fill(home: Path, port: int) -> None:
    password = Secret((home / "embedded" / PASSWORD).read_text(encoding="ascii").strip())
    address = PostgresAddress(host="127.0.0.1", port=port, database="legacy", user="postgres", password=password)
    await generate(address.url.reveal(), scale=SCALE, seed=SEED)
    connection = await asyncpg.connect(address.url.reveal())
    try:
        await connection.execute(PLANTED)
    finally:
        await connection.close()
    await create_target(msgspec.structs.replace(address, database="target").url.reveal())


async def _account(installation: Installation, role: str) -> Account:
    account = Account(email=f"{role.replace('_', '.')}@clinic.example", password=secrets.token_urlsafe(18))
    words = ("user", "add", account.email, "--role", role, "--password-stdin")
    said = await transfuse(installation, *words, typed=f"{account.password}\n")
    assert said.code == 0, said.text
    return account


async def _register(stack: Stack) -> None:
    """Upload the plan and register a migration, as a person with a client would."""
    async with aiohttp.ClientSession(stack.url) as client:
        admin = stack.accounts["admin"]
        login = {"email": admin.email, "password": admin.password}
        async with client.post("/api/auth/login", json=login) as response:
            assert response.status == 200, await response.text()
            headers = {"Authorization": f"Bearer {(await response.json())['accessToken']}"}
        files = {
            str(path.relative_to(PLAN)): path.read_text(encoding="utf-8")
            for path in sorted(PLAN.rglob("*"))
            if path.is_file()
        }
        async with client.put(f"/api/plans/{stack.plan}", json={"files": files}, headers=headers) as response:
            assert response.status in {200, 201}, await response.text()
        body = json.dumps({"name": stack.migration, "plan": stack.plan})
        async with client.post(
            "/api/migrations", data=body, headers={**headers, "Content-Type": "application/json"}
        ) as response:
            assert response.status == 201, await response.text()
