"""Notifiers that listen, and clients that are connected to them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import socketio

from services.notifier.app import build
from services.notifier.limits import SocketLimits
from services.notifier.settings import NotifierSettings
from shared.bus.memory import MemoryBus
from shared.bus.port import Bus
from shared.ledger.init import initialise, uninstall
from shared.runtime.listener import Listener
from shared.runtime.service import Service
from shared.settings.addresses import PostgresAddress
from shared.settings.environ import Environment
from shared.settings.secret import Secret
from tests.harness.databases import PREFIX, address_of, copied
from tests.harness.installation import end_sessions
from tests.harness.tokens import SECRET, token

ANSWER_SECONDS = 10


class Client:
    """One client. `heard` is everything it was sent, by event name; `said` the same in its order."""

    def __init__(self) -> None:
        self.socket = socketio.AsyncClient(reconnection=False)
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.refused: list[Any] = []
        self.gone = asyncio.Event()
        self._news = asyncio.Event()
        self.socket.on("*", self._hear)
        self.socket.on("connect_error", self._refuse)
        self.socket.on("disconnect", self._leave)

    async def connect(self, url: str, token: str | None = None, **more: Any) -> bool:  # noqa: ANN401 - as the library has it
        """Connect with a token; whether it was admitted."""
        auth = None if token is None else {"token": token}
        try:
            await self.socket.connect(url, auth=auth, transports=["websocket"], **more)
        except socketio.exceptions.ConnectionError:
            return False
        self.gone.clear()
        return True

    async def ask(self, event: str, *arguments: Any) -> Any:  # noqa: ANN401 - any answer
        """Send an event and wait for its acknowledgement."""
        data = None if not arguments else arguments[0] if len(arguments) == 1 else arguments
        return await self.socket.call(event, data, timeout=ANSWER_SECONDS)

    async def until(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        """Return as soon as what was heard makes the condition true."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def last(self, event: str) -> dict[str, Any]:
        """What was heard last of an event."""
        return self.heard[event][-1]

    def count(self, event: str) -> int:
        """How often an event was heard."""
        return len(self.heard.get(event, ()))

    def state_of(self, migration: UUID) -> str | None:
        """The state that a migration was last said to be in."""
        told = [heard for heard in self.heard.get("migration:progress", ()) if heard["migrationId"] == str(migration)]
        return told[-1]["phase"] if told else None

    async def close(self) -> None:
        """Disconnect."""
        await self.socket.disconnect()

    async def _hear(self, event: str, data: Any = None) -> None:  # noqa: ANN401 - any data
        self.heard.setdefault(event, []).append(data)
        self.said.append((event, data))
        self._news.set()

    async def _refuse(self, data: Any) -> None:  # noqa: ANN401 - any data
        self.refused.append(data)

    async def _leave(self, *_reason: object) -> None:
        self.gone.set()
        self._news.set()


class Notifier:
    """One notifier that listens."""

    def __init__(self, url: str, service: Service) -> None:
        self.url = url
        self._service = service

    async def drain(self) -> None:
        """Stop it, as a deployment does."""
        await self._service.drain()

    @asynccontextmanager
    async def client(self, role: str | None = "viewer", **claims: Any) -> AsyncIterator[Client]:  # noqa: ANN401 - claims are anything
        """A connected client with a token of somebody with `role`."""
        client = Client()
        assert await client.connect(self.url, token(role, **claims)), client.refused
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def notifier_on(
    ledger: PostgresAddress,
    bus: Bus,
    *,
    limits: SocketLimits | None = None,
    **settings: Any,  # noqa: ANN401 - fields of the settings
) -> AsyncIterator[Notifier]:
    """A notifier on a ledger, at a free port."""
    given: dict[str, Any] = {"environment": Environment.TEST, "jwt_secret": Secret(SECRET), "port": None}
    found = NotifierSettings(ledger=ledger, **{**given, "socket_port": 0, **settings})
    async with build(found, bus, limits=limits) as service, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(service.run(), name="notifier")
        await service.ready()
        listener = next(part for part in service.parts if isinstance(part, Listener))
        yield Notifier(f"http://127.0.0.1:{listener.port}", service)
        await service.drain()
        await running


class Sockets(msgspec.Struct, frozen=True, kw_only=True):
    """Notifiers on a ledger of their own, which reach it with their own role. `database` is its owner's URL."""

    database: str
    notifiers: list[Notifier]
    bus: Bus


@asynccontextmanager
async def own_ledger(server: str) -> AsyncIterator[tuple[str, PostgresAddress]]:
    """The owner's URL of a new ledger, and the notifier's own way to it."""
    async with copied(server) as database:
        role_prefix = f"{PREFIX}{secrets.token_hex(4)}"
        passwords = await initialise(address_of(database), role_prefix=role_prefix)
        login = msgspec.structs.replace(
            address_of(database), user=f"{role_prefix}_notifier", password=passwords["notifier"]
        )
        try:
            yield database, login
        finally:
            await end_sessions(database)
            await uninstall(address_of(database))


@asynccontextmanager
async def sockets_on(
    server: str,
    *,
    bus: Bus | None = None,
    count: int = 1,
    limits: SocketLimits | None = None,
    **settings: Any,  # noqa: ANN401
) -> AsyncIterator[Sockets]:
    """Notifiers on a new ledger, unless told otherwise over the in-process bus."""
    async with own_ledger(server) as (database, login), MemoryBus() as memory, AsyncExitStack() as stack:
        notifiers = [
            await stack.enter_async_context(notifier_on(login, bus or memory, limits=limits, **settings))
            for _ in range(count)
        ]
        yield Sockets(database=database, notifiers=notifiers, bus=bus or memory)


@asynccontextmanager
async def raw(url: str, first: str | None = None, **headers: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A bare websocket, its handshake read; `first` is the packet that asks to be let in, and it is."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket", headers=headers) as socket,
    ):
        assert (await socket.receive_str(timeout=ANSWER_SECONDS)).startswith("0{")
        if first is not None:
            await socket.send_str(first)
            assert (await socket.receive_str(timeout=ANSWER_SECONDS)).startswith("40")
        yield socket


def entry(role: str | None = "viewer") -> str:
    """The packet that asks to be let in, with a token of somebody with `role`."""
    return "40" + msgspec.json.encode({"token": token(role)}).decode()


async def ended(socket: aiohttp.ClientWebSocketResponse) -> bool:
    """Return True once the server has ended the connection."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
    return True
