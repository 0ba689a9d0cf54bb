"""Whoever asks too often is told so a little later: asking again at once must not crowd out the others."""

from __future__ import annotations

import asyncio


class Holding:
    """Holds refused requests for `seconds`, at most `most` of them at a time; the others are answered at once.

    Clients that ask as fast as they are answered would otherwise have the process to themselves.
    """

    def __init__(self, seconds: float, *, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._held = 0

    async def hold(self) -> None:
        """Return when the refusal may be told."""
        if self._seconds <= 0 or self._held >= self._most:
            return
        self._held += 1
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self._held -= 1
