"""Browsers that watch a run, as small as they can be made: bare websockets that note when they heard of what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

import aiohttp
import msgspec

from tests.harness.tokens import token

PROGRESS = '42["migration:progress",'
ANSWER_SECONDS = 60
TOKEN_SECONDS = 3600


class _Told(msgspec.Struct, rename="camel"):
    migration_id: UUID
    seq: int
    current: int
    phase: str


_told = msgspec.json.Decoder(tuple[str, _Told])


class Watcher:
    """One socket. `commits` says when each number of rows of a run was committed; `delays` are how long each took.

    `wrong` counts what it heard of rooms that it was not granted, `fallen` how often a later event was the older one.
    """

    def __init__(self, url: str, room: UUID, commits: Mapping[int, float], role: str | None = "viewer") -> None:
        self.room = room
        self.delays: list[float] = []
        self.events = 0
        self.wrong = 0
        self.fallen = 0
        self.is_granted = role is not None
        self.last: _Told | None = None
        self.subscribed = asyncio.Event()
        self._url = f"{url}/socket.io/?EIO=4&transport=websocket"
        self._role = role
        self._commits = commits
        self._current = 0

    async def watch(self, http: aiohttp.ClientSession) -> None:
        """Connect, ask for the room and listen until cancelled."""
        async with http.ws_connect(self._url, max_msg_size=0, compress=0) as socket:
            await socket.receive_str(timeout=ANSWER_SECONDS)
            signed = token(self._role, seconds=TOKEN_SECONDS)
            await socket.send_str("40" + msgspec.json.encode({"token": signed}).decode())
            await socket.receive_str(timeout=ANSWER_SECONDS)
            await socket.send_str("420" + msgspec.json.encode(["migration:subscribe", str(self.room)]).decode())
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._hear(socket, message.data, time.perf_counter())

    def is_at(self, current: int) -> bool:
        """Whether it knows of so many rows and of the run's end."""
        return self.last is not None and (self.last.current, self.last.phase) == (current, "completed")

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse, text: str, now: float) -> None:
        if text == "2":
            await socket.send_str("3")
        elif text.startswith("430"):
            self.subscribed.set()
        elif text.startswith("42"):
            self.events += 1
            if not text.startswith(PROGRESS):
                self.wrong += str(self.room) not in text or not self.is_granted
                return
            self._note(_told.decode(text[2:])[1], now)

    def _note(self, told: _Told, now: float) -> None:
        self.wrong += told.migration_id != self.room or not self.is_granted
        self.fallen += self.last is not None and told.seq < self.last.seq
        self.last = told
        for current in [rows for rows in self._commits if self._current < rows <= told.current]:
            self.delays.append(now - self._commits[current])
        self._current = max(self._current, told.current)


async def listening(
    watchers: list[Watcher], http: aiohttp.ClientSession, tasks: asyncio.TaskGroup
) -> list[asyncio.Task[None]]:
    """All of them in their rooms, some at a time."""
    gate = asyncio.Semaphore(50)

    async def keep(watcher: Watcher) -> None:
        with suppress(asyncio.CancelledError):
            await watcher.watch(http)

    async def enter(watcher: Watcher) -> asyncio.Task[None]:
        async with gate:
            task = tasks.create_task(keep(watcher))
            async with asyncio.timeout(ANSWER_SECONDS):
                await watcher.subscribed.wait()
            return task

    return list(await asyncio.gather(*(enter(watcher) for watcher in watchers)))
