"""The room of those who look at the whole installation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from services.notifier.documents import SystemEvent
from services.notifier.room import Voice
from services.notifier.sessions import SocketSession
from shared.core.errors import WorldError
from shared.ledger.figures import LedgerFigures
from shared.runtime.memory import resident_bytes
from shared.runtime.probing import ask
from shared.runtime.world import Probe
from shared.status.board import HealthBoard
from shared.status.figures import metrics_document
from shared.status.health import health_document
from shared.status.processes import processes_of
from shared.status.queues import Depth, queues_of
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

NAME: Final = "system"
EVENT: Final = "system:metrics"


class FiguresReader(Protocol):
    """Reads figures over all runs."""

    async def read(self) -> LedgerFigures:
        """The figures now. Raises WorldError."""
        ...


async def two_seconds() -> None:
    """The time between two tellings."""
    await asyncio.sleep(2.0)


class SystemRoom:
    """Figures and health, told every `tick` while somebody listens. `redis` and `bus` are this service's own probes."""

    def __init__(
        self,
        figures: FiguresReader,
        board: HealthBoard,
        voice: Voice,
        *,
        redis: Probe,
        bus: Probe,
        depth: Depth,
        tick: Callable[[], Awaitable[None]] = two_seconds,
    ) -> None:
        self._figures = figures
        self._board = board
        self._voice = voice
        self._probes = {"redis": redis, "bus": bus}
        self._depth = depth
        self._tick = tick
        self._members: set[str] = set()
        self._somebody = asyncio.Event()
        self._started_at = datetime.now(UTC)

    async def join(self, session: SocketSession) -> None:
        """Add a client and tell it how things are now. Raises WorldError."""
        document = await self._read()
        if await self._voice.enter(session.sid, NAME):
            session.rooms.add(NAME)
            self._members.add(session.sid)
            self._somebody.set()
            await self._voice.tell(session.sid, EVENT, document)

    async def leave(self, session: SocketSession) -> None:
        """Take a client out."""
        session.rooms.discard(NAME)
        self._members.discard(session.sid)
        if not self._members:
            self._somebody.clear()
        await self._voice.leave(session.sid, NAME)

    async def run(self, draining: asyncio.Event) -> None:
        """Tell until `draining` is set."""
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(self._keep_telling(), name="system room")
            await draining.wait()
            telling.cancel()

    async def _keep_telling(self) -> None:
        is_away = False
        while True:
            await self._tick()
            await self._somebody.wait()
            try:
                document = await self._read()
            except WorldError as error:
                if not is_away:
                    log.warning("figures wait for the ledger", error=error)
                is_away = True
            else:
                is_away = False
                await self._voice.tell(NAME, EVENT, document)

    async def _read(self) -> SystemEvent:
        now = datetime.now(UTC)
        figures = await self._figures.read()
        failures = await ask(self._probes)
        metrics = metrics_document(
            figures,
            memory_bytes=resident_bytes(),
            uptime_seconds=(now - self._started_at).total_seconds(),
            queues=await queues_of(self._board, figures, self._depth),
            processes=processes_of(self._board),
        )
        health = health_document(self._board, redis=failures["redis"] is None, bus=failures["bus"] is None, now=now)
        return SystemEvent(
            **{name: getattr(metrics, name) for name in metrics.__struct_fields__},
            status=health.status,
            services=health.services,
            timestamp=health.timestamp,
        )
