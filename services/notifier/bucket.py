"""How fast one client may ask: a burst, then so many a second."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """So many at once, and afterwards so many a second."""

    per_second: float
    burst: int


class Bucket:
    """Counts one client. It holds one number, the time at which all that was let through would be due."""

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._clock = clock
        self._due = 0.0

    def take(self) -> bool:
        """Whether one more is let through now."""
        now = self._clock()
        interval = 1.0 / self._pace.per_second
        due = max(self._due, now) + interval
        if due - now > self._pace.burst * interval + _ROUNDING:
            return False
        self._due = due
        return True


_ROUNDING = 1e-6
