"""How long to wait before trying again."""

from __future__ import annotations

import random
from typing import final


@final
class Backoff:
    """Delays that double from `first_seconds` to `most_seconds`, each shortened at random by up to half.

    The jitter keeps services that lost the same database from asking for it in step.
    """

    __slots__ = ("_first_seconds", "_most_seconds", "_next_seconds")

    def __init__(self, *, first_seconds: float, most_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._most_seconds = most_seconds
        self._next_seconds = first_seconds

    def next_seconds(self) -> float:
        """The next delay."""
        seconds = self._next_seconds
        self._next_seconds = min(2 * seconds, self._most_seconds)
        return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing

    def reset(self) -> None:
        """Begin with the first delay again, after a success."""
        self._next_seconds = self._first_seconds
