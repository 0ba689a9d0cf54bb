"""A gateway that listens, with a ledger of its own, and clients that are signed in to it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from services.gateway.api.limits.policy import LimitPolicy, unlimited
from services.gateway.app import build
from services.gateway.settings import GatewaySettings
from shared.bus.memory import MemoryBus
from shared.bus.port import Bus
from shared.ledger.init import initialise, uninstall
from shared.runtime.listener import Listener
from shared.settings.environ import Environment
from shared.settings.secret import Secret
from tests.harness.databases import PREFIX, address_of, copied
from tests.harness.installation import end_sessions
from tests.harness.tokens import SECRET, token


class Api:
    """One listening gateway. `ledger` is the URL of its ledger's owner."""

    def __init__(self, url: str, ledger: str, bus: Bus) -> None:
        self.url = url
        self.ledger = ledger
        self.bus = bus

    @asynccontextmanager
    async def client(self, role: str | None = "admin", **claims: Any) -> AsyncIterator[aiohttp.ClientSession]:  # noqa: ANN401 - claims are anything
        """A client with a token of somebody with `role`; paths are relative to the API's address."""
        headers = {"Authorization": f"Bearer {token(role, **claims)}"}
        async with aiohttp.ClientSession(self.url, headers=headers) as session:
            yield session

    @asynccontextmanager
    async def anyone(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A client that is not signed in."""
        async with aiohttp.ClientSession(self.url) as session:
            yield session


@asynccontextmanager
async def gateway_on(
    server: str,
    *,
    bus: Bus | None = None,
    policy: LimitPolicy | None = None,
    **settings: Any,  # noqa: ANN401 - fields of the settings
) -> AsyncIterator[Api]:
    """A gateway on a new ledger of the PostgreSQL server, unless told otherwise over the in-process bus, unlimited."""
    async with copied(server) as database, MemoryBus() as memory:
        role_prefix = f"{PREFIX}{secrets.token_hex(4)}"
        passwords = await initialise(address_of(database), role_prefix=role_prefix)
        ledger = msgspec.structs.replace(
            address_of(database), user=f"{role_prefix}_gateway", password=passwords["gateway"]
        )
        secret = Secret(SECRET)
        given: dict[str, Any] = {"environment": Environment.TEST, "jwt_secret": secret, "port": None, "api_port": 0}
        found = GatewaySettings(ledger=ledger, **{**given, **settings})
        try:
            async with (
                build(found, bus or memory, policy=policy or unlimited()) as service,
                asyncio.TaskGroup() as tasks,
            ):
                running = tasks.create_task(service.run(), name="gateway")
                await service.ready()
                listener = next(part for part in service.parts if isinstance(part, Listener))
                yield Api(f"http://127.0.0.1:{listener.port}", database, bus or memory)
                await service.stop()
                await running
        finally:
            await end_sessions(database)
            await uninstall(address_of(database))
