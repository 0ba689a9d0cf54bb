"""Whether the audit's chain is whole: the last answer is kept, and only what came since is looked at again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import msgspec

from shared.core.errors import WorldError
from shared.ledger.audit import Audit
from shared.ledger.audit_chain import Verification
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

WHOLE_SECONDS = 3_600.0
"""How long a look at the whole chain is good for."""
AGAIN_SECONDS = 30.0


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found and when. `count` is the number of entries proven, from the first one."""

    verification: Verification
    checked_at: datetime

    @property
    def count(self) -> int:
        return self.verification.head[0]


class ChainWatch:
    """Looks at the whole chain every hour, and at its new end whenever somebody asks."""

    def __init__(self, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._audit = audit
        self._clock = clock
        self._turn = asyncio.Lock()
        self._last: Looked | None = None

    async def run(self, draining: asyncio.Event) -> None:
        """Look at the whole chain, now and every hour, until `draining` is set."""
        while not draining.is_set():
            try:
                await self.look_at_all()
                seconds = WHOLE_SECONDS
            except WorldError as error:
                log.warning("the audit waits to be verified", error=error)
                seconds = AGAIN_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await draining.wait()

    async def look_at_all(self) -> Looked:
        """Recompute the whole chain. Raises WorldError."""
        async with self._turn:
            return self._keep(await self._audit.verify())

    async def look(self) -> Looked | None:
        """What is known by now. None where the first look at the whole chain is still under way. Raises WorldError.

        A chain once found broken stays so until a look at all of it finds it whole.
        """
        if self._turn.locked():
            return self._last
        async with self._turn:
            if self._last is None:
                return self._keep(await self._audit.verify())
            if not self._last.verification.whole:
                return self._last
            return self._keep(await self._audit.verify(after=self._last.verification.head))

    def _keep(self, verification: Verification) -> Looked:
        if not verification.whole:
            log.error("the audit is not whole", code=str(verification.fault), seq=verification.broken_at)
        self._last = Looked(verification=verification, checked_at=self._clock())
        return self._last
