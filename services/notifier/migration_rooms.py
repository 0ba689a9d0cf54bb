"""The rooms of migrations: whoever is in one is told how the run that the migration is at moves on.

Events of the bus say that a run moved, the ledger says how far: a lost or doubled event changes nothing. A run that
nobody watches is not read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol
from uuid import UUID

from services.notifier.migration_room import MigrationRoom
from services.notifier.refusal import SocketRefused
from services.notifier.room import Voice
from services.notifier.sessions import SocketSession
from services.notifier.telling import events_of
from shared.core.backoff import Backoff
from shared.core.errors import Refused, WorldError
from shared.status.document import RunStatus
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

INTERVAL_SECONDS: Final = 0.25
"""A run is read, and its room told, at most four times a second."""
TICK_SECONDS: Final = 1.0
STALE_SECONDS: Final = 3.5
"""Whatever became of the events: a room whose run may move is read again when it was not read for so long."""
READERS: Final = 6
RUNS_ELSEWHERE: Final = 4096


class StatusReader(Protocol):
    """Reads how a run is, or a migration that has none."""

    async def of_run(self, run: UUID) -> RunStatus:
        """One run. Raises Refused where it is not there, and WorldError."""
        ...

    async def of_none(self, migration: UUID) -> RunStatus:
        """A migration that never ran. Raises Refused where it is not there, and WorldError."""
        ...


class RunFinder(Protocol):
    """Finds the run that each of some migrations is at."""

    async def of(self, migrations: Sequence[UUID]) -> dict[UUID, UUID | None]:
        """None for one that never ran; what is not there is left out. Raises WorldError."""
        ...


async def interval() -> None:
    """The rest of a room after it was told something."""
    await asyncio.sleep(INTERVAL_SECONDS)


async def tick() -> None:
    """The time between two rounds, which look for rooms that are stale."""
    await asyncio.sleep(TICK_SECONDS)


class MigrationRooms:
    """All rooms that somebody is in. `interval` is awaited after each reading of a room, `tick` between two rounds."""

    def __init__(
        self,
        statuses: StatusReader,
        finder: RunFinder,
        voice: Voice,
        *,
        interval: Callable[[], Awaitable[None]] = interval,
        tick: Callable[[], Awaitable[None]] = tick,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._statuses = statuses
        self._finder = finder
        self._voice = voice
        self._interval = interval
        self._tick = tick
        self._clock = clock
        self._rooms: dict[UUID, MigrationRoom] = {}
        self._by_run: dict[UUID, MigrationRoom] = {}
        self._elsewhere: dict[UUID, None] = {}
        self._due: asyncio.Queue[MigrationRoom] = asyncio.Queue()
        self._rests: set[asyncio.Task[None]] = set()
        self._runs_in_question = asyncio.Event()
        self._backoff = Backoff(first_seconds=0.2, most_seconds=5.0)

    def touch(self, run: UUID) -> None:
        """Something happened to a run."""
        room = self._by_run.get(run)
        if room is not None:
            self._mark(room)
        elif self._rooms and run not in self._elsewhere:
            # Perhaps the new run of a migration that is watched: asked once, the round finds it out otherwise.
            self._elsewhere[run] = None
            if len(self._elsewhere) > RUNS_ELSEWHERE:
                del self._elsewhere[next(iter(self._elsewhere))]
            self._runs_in_question.set()

    async def join(self, migration: UUID, session: SocketSession) -> None:
        """Add a client and tell it how things are now. Raises SocketRefused `not_found`, and WorldError."""
        room = self._rooms.setdefault(migration, MigrationRoom(migration))
        room.joining += 1
        try:
            async with room.lock:
                if room.told is None or self._clock() - room.read_at >= INTERVAL_SECONDS:
                    await self._find([room])
                    await self._read(room)
                if room.told is not None and await self._voice.enter(session.sid, room.name):
                    session.rooms.add(room.name)
                    room.members.add(session.sid)
                    await self._tell(session.sid, room.told)
        finally:
            room.joining -= 1
            self._close_if_empty(room)

    async def leave(self, migration: UUID, session: SocketSession) -> None:
        """Take a client out; nothing happens where it is not in."""
        room = self._rooms.get(migration)
        if room is None:
            return
        session.rooms.discard(room.name)
        room.members.discard(session.sid)
        self._close_if_empty(room)
        await self._voice.leave(session.sid, room.name)

    async def leave_all(self, session: SocketSession) -> None:
        """Take a client that is gone out of every room."""
        for room in [room for room in self._rooms.values() if room.name in session.rooms]:
            await self.leave(room.migration, session)

    async def run(self, draining: asyncio.Event) -> None:
        """Read and tell until `draining` is set."""
        async with asyncio.TaskGroup() as tasks:
            work = [
                *(tasks.create_task(self._work(tasks), name=f"rooms {number}") for number in range(READERS)),
                tasks.create_task(self._look_for_runs(), name="rooms runs"),
                tasks.create_task(self._go_round(), name="rooms round"),
            ]
            await draining.wait()
            for task in (*work, *self._rests):
                task.cancel()

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            room = await self._due.get()
            room.begin_reading()
            try:
                async with room.lock:
                    if room.members:
                        await self._read(room)
            except WorldError as error:
                log.warning("rooms wait for the ledger", error=error)
                room.is_touched = True
                await asyncio.sleep(self._backoff.next_seconds())
            except SocketRefused:
                await self._close(room)
                continue
            else:
                self._backoff.reset()
            rest = tasks.create_task(self._rest(room), name="room at rest")
            self._rests.add(rest)
            rest.add_done_callback(self._rests.discard)

    async def _rest(self, room: MigrationRoom) -> None:
        await self._interval()
        if room.end_rest() and room.members:
            self._mark(room)

    async def _look_for_runs(self) -> None:
        while True:
            await self._runs_in_question.wait()
            self._runs_in_question.clear()
            rooms = list(self._rooms.values())
            try:
                moved = await self._find(rooms)
            except WorldError as error:
                log.warning("rooms wait for the ledger", error=error)
                await asyncio.sleep(self._backoff.next_seconds())
                self._runs_in_question.set()
                continue
            for room in moved:
                self._mark(room)
            await self._interval()

    async def _go_round(self) -> None:
        while True:
            await self._tick()
            now = self._clock()
            for room in self._rooms.values():
                if now - room.looked_at >= STALE_SECONDS:
                    room.looked_at = now
                    self._runs_in_question.set()
                    if room.is_active:
                        self._mark(room)

    def _mark(self, room: MigrationRoom) -> None:
        if room.mark():
            self._due.put_nowait(room)

    async def _find(self, rooms: Sequence[MigrationRoom]) -> list[MigrationRoom]:
        """Give each room the run that its migration is at; those that were at another one, or are to be closed."""
        found = await self._finder.of([room.migration for room in rooms])
        moved = []
        for room in rooms:
            run, is_there = found.get(room.migration), room.migration in found
            if is_there == room.is_there and run == room.run:
                continue
            if room.run is not None:
                self._by_run.pop(room.run, None)
            room.run, room.is_there = run, is_there
            if run is not None:
                self._by_run[run] = room
                self._elsewhere.pop(run, None)
            moved.append(room)
        return moved

    async def _read(self, room: MigrationRoom) -> None:
        """Read the room's run and tell it. Raises SocketRefused where the migration is gone, and WorldError."""
        if not room.is_there:
            raise not_found()
        try:
            status = await (
                self._statuses.of_none(room.migration) if room.run is None else self._statuses.of_run(room.run)
            )
        except Refused as error:
            raise not_found() from error
        room.read_at = room.looked_at = self._clock()
        before = room.told
        if before is not None and before.run_id == status.run_id and before.seq > status.seq:
            return  # two readers met: what was told is younger
        room.told = status
        if room.members:
            await self._tell(room.name, status, before)

    async def _tell(self, to: str, status: RunStatus, before: RunStatus | None = None) -> None:
        for event, document in events_of(status, before):
            await self._voice.tell(to, event, document)

    async def _close(self, room: MigrationRoom) -> None:
        room.members.clear()
        self._close_if_empty(room)
        await self._voice.close(room.name)

    def _close_if_empty(self, room: MigrationRoom) -> None:
        if not room.is_empty or self._rooms.get(room.migration) is not room:
            return
        del self._rooms[room.migration]
        if room.run is not None and self._by_run.get(room.run) is room:
            del self._by_run[room.run]


def not_found() -> SocketRefused:
    """No such migration, or not any more."""
    return SocketRefused("There is no such migration.", code="not_found")
