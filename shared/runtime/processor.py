"""How much of a processor this process uses."""

from __future__ import annotations

import time
from collections.abc import Callable


class Processor:
    """Seconds of processor time for each second that passes: 1.0 is one core, several threads may use more."""

    def __init__(
        self, *, used: Callable[[], float] = time.process_time, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._used = used
        self._clock = clock
        self._last: tuple[float, float] | None = None

    def take(self) -> float | None:
        """The share since the last call, in cores; None at the first."""
        last, self._last = self._last, (self._clock(), self._used())
        if last is None:
            return None
        seconds, used = self._last[0] - last[0], self._last[1] - last[1]
        return used / seconds if seconds > 0 else None
