"""Which run comes first."""

from __future__ import annotations

from enum import StrEnum


class Priority(StrEnum):
    """How urgent a run is, in words; `rank` is what the ledger keeps, and the higher one comes first."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """1, 5, 10 or 15."""
        return _RANKS[self]


_RANKS = {Priority.LOW: 1, Priority.NORMAL: 5, Priority.HIGH: 10, Priority.CRITICAL: 15}
