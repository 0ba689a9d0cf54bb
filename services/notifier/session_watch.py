"""Looks after those who are connected: a token that ends or is revoked ends its connection."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from services.notifier.limits import SocketLimits
from services.notifier.sessions import Sessions, SocketSession
from shared.core.errors import WorldError
from shared.identity.identity import Identity
from shared.telemetry.logging import get_logger

log = get_logger(__name__)


class Denying(Protocol):
    """The list of tokens that are refused before their time."""

    async def denies(self, identity: Identity) -> bool:
        """Whether a token of this identity is refused. Raises WorldError."""
        ...


async def one_second() -> None:
    """The time between two rounds."""
    await asyncio.sleep(1.0)


class SessionWatch:
    """Goes round once a `tick`. The deny list is asked about a sign-in every `limits.deny_list` seconds.

    While it cannot be asked, connections stay: their tokens end within minutes, and nobody new is let in.
    """

    def __init__(
        self,
        sessions: Sessions,
        deny_list: Denying,
        limits: SocketLimits,
        *,
        tick: Callable[[], Awaitable[None]] = one_second,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sessions = sessions
        self._deny_list = deny_list
        self._limits = limits
        self._tick = tick
        self._clock = clock
        self._now = now

    async def run(self, draining: asyncio.Event) -> None:
        """Go round until `draining` is set."""
        async with asyncio.TaskGroup() as tasks:
            going = tasks.create_task(self._go_round(), name="socket sessions")
            await draining.wait()
            going.cancel()

    async def look(self) -> None:
        """One round."""
        now = self._now()
        for session in self._sessions.all:
            waiting = self._sessions.waiting_packets(session)
            if session.identity.expires_at <= now:
                await self._sessions.drop(session, "token_expired")
            elif waiting is None:
                await self._sessions.cut(session, "gone")
            elif waiting > self._limits.waiting_packets:
                await self._sessions.cut(session, "too_slow")
        await self._ask()

    async def _go_round(self) -> None:
        while True:
            await self._tick()
            await self.look()

    async def _ask(self) -> None:
        """Each sign-in once, however many connections it has."""
        clock = self._clock()
        due: dict[Identity, list[SocketSession]] = defaultdict(list)
        for session in self._sessions.all:
            if clock - session.asked_at >= self._limits.deny_list:
                due[session.identity].append(session)
        for identity, sessions in due.items():
            try:
                denied = await self._deny_list.denies(identity)
            except WorldError as error:
                log.warning("the deny list cannot be asked", error=error)
                return
            for session in sessions:
                session.asked_at = clock
                if denied:
                    await self._sessions.drop(session, "token_revoked")
