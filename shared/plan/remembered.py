"""What is known of texts, remembered by all threads of a process within a bound."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Known = TypeVar("Known")


class Remembered(Generic[Known]):
    """Remembers by text, of any thread, what weighs no more than `most` together; the unit is the caller's.

    When it would be more, all is forgotten: it can be found out again. Plans come from outside, so what is kept of them
    must be bounded by its size; a number of texts would be no bound.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}
        self._weight = 0

    def get(self, text: str) -> Known | None:
        """What is known of a text, None where that is nothing."""
        return self._known.get(text)

    def keep(self, text: str, known: Known, weight: int) -> Known:
        """Remember what is known of a text, unless it alone is too much; gives it back."""
        with self._lock:
            if self._weight + weight > self._most:
                self._known = {}
                self._weight = 0
            if weight <= self._most and text not in self._known:
                self._known[text] = known
                self._weight += weight
        return known

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known = {}
            self._weight = 0

    @property
    def weight(self) -> int:
        """What all that is remembered weighs."""
        return self._weight
