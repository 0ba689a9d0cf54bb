"""What a stage did since somebody last looked: messages, rows, and how busy its workers were."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Work of `seconds`; `busy_share` is the share of the workers' time in which they handled something, 0 to 1."""

    seconds: float
    handled: int
    rows: int
    busy_share: float


class Meter:
    """Counts the work of one stage. Work that is still in hand counts as busy from its beginning."""

    def __init__(self, workers: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.workers = workers
        self._clock = clock
        self._since = self._changed = clock()
        self._in_hand = 0
        self._busy_seconds = 0.0
        self._handled = 0
        self._rows = 0

    def begin(self) -> None:
        """A worker takes a message."""
        self._pass_time()
        self._in_hand += 1

    def end(self, rows: int = 0) -> None:
        """A worker has done with its message, which had so many rows."""
        self._pass_time()
        self._in_hand -= 1
        self._handled += 1
        self._rows += rows

    def take(self) -> Measured:
        """What was done since the last call; the count begins anew."""
        now = self._pass_time()
        seconds = max(now - self._since, 1e-6)
        share = min(self._busy_seconds / (seconds * self.workers), 1.0)
        found = Measured(seconds=seconds, handled=self._handled, rows=self._rows, busy_share=share)
        self._since, self._busy_seconds, self._handled, self._rows = now, 0.0, 0, 0
        return found

    def _pass_time(self) -> float:
        now = self._clock()
        self._busy_seconds += self._in_hand * (now - self._changed)
        self._changed = now
        return now
