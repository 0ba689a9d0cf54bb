"""One gateway as a process of its own, on a copy of a ledger, with real RabbitMQ and Redis."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from shared.bus.topology import Topology
from shared.ledger.init import initialise, uninstall
from tests.harness.databases import PREFIX, address_of
from tests.harness.installation import PASSED_ON, ROOT, end_sessions
from tests.harness.ledger import until
from tests.harness.services import delete_queues
from tests.harness.tokens import SECRET

STOP_SECONDS = 30


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """Where it listens, and its process."""

    url: str
    pid: int


@asynccontextmanager
async def gateway(database: str, *, rabbitmq: str, redis: str, log: Path) -> AsyncIterator[Gateway]:
    """A gateway that is ready, on the ledger of a database; stopped at the end, its queues and roles removed."""
    role_prefix, bus_prefix = f"{PREFIX}{secrets.token_hex(4)}", f"bench-{secrets.token_hex(4)}"
    passwords = await initialise(address_of(database), role_prefix=role_prefix)
    login = msgspec.structs.replace(address_of(database), user=f"{role_prefix}_gateway", password=passwords["gateway"])
    variables = {
        "ENVIRONMENT": "test",
        "LEDGER_DATABASE_URL": login.url.reveal(),
        "RABBITMQ_URL": rabbitmq,
        "REDIS_URL": redis,
        "BUS_PREFIX": bus_prefix,
        "JWT_SECRET": SECRET,
        "PORT": "0",
        "API_PORT": "0",
        "TRUSTED_PROXIES": "127.0.0.1",  # each client comes from an address of its own
    }
    try:
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.gateway"),
                cwd=ROOT,
                env={**{name: os.environ[name] for name in PASSED_ON if name in os.environ}, **variables},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
            try:
                yield Gateway(url=f"http://127.0.0.1:{await _port(process, log)}", pid=process.pid)
            finally:
                await _stop(process)
    finally:
        await delete_queues(rabbitmq, Topology(prefix=bus_prefix))
        await end_sessions(database)
        await uninstall(address_of(database))


async def _port(process: asyncio.subprocess.Process, log: Path) -> int:
    """The API's port, once the service is ready."""

    async def ready() -> bool:
        if process.returncode is not None:
            raise RuntimeError(f"the gateway ended with {process.returncode}: {_text(log)[-2000:]}")
        return any(line["event"] == "ready" for line in _lines(log))

    await until(ready)
    return next(int(line["port"]) for line in _lines(log) if line["event"] == "listening")


def _lines(log: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in _text(log).splitlines() if line.startswith("{") and line.endswith("}")]


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
