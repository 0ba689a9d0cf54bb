"""Counting by GCRA, the generic cell rate algorithm: one time per key, no window that everybody rushes into.

For each key the time is kept at which all that was admitted would have been due evenly spaced. A request is admitted
if, with it, that time is not further ahead than a whole burst.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from services.gateway.api.limits.policy import Rate


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One request counted under one key."""

    key: str
    rate: Rate


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The claim that has to wait longest, and how long."""

    claim: Claim
    retry_seconds: float


class Gcra(Protocol):
    """Counts claims. One answer counts for all who share the counter, however many ask at once."""

    async def take(self, claims: Sequence[Claim]) -> Refusal | None:
        """Count all claims, or none of them where one is refused: then the refusal is given."""
        ...

    async def give_back(self, claims: Sequence[Claim]) -> None:
        """Uncount claims that were taken."""
        ...


class LocalGcra:
    """Counts within this process. At most `most` keys: the ones that are due first are forgotten first."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = 50_000) -> None:
        self._clock: Final = clock
        self._most: Final = most
        self._due: dict[str, float] = {}

    async def take(self, claims: Sequence[Claim]) -> Refusal | None:
        now = self._clock()
        refusal: Refusal | None = None
        due: dict[str, float] = {}
        for claim in claims:
            interval = claim.rate.interval_seconds
            due[claim.key] = max(self._due.get(claim.key, 0.0), now) + interval
            wait = due[claim.key] - now - claim.rate.burst * interval
            if wait > _ROUNDING and (refusal is None or wait > refusal.retry_seconds):
                refusal = Refusal(claim=claim, retry_seconds=wait)
        if refusal is None:
            self._due.update(due)
            self._make_room(now)
        return refusal

    async def give_back(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            if claim.key in self._due:
                self._due[claim.key] -= claim.rate.interval_seconds

    def _make_room(self, now: float) -> None:
        if len(self._due) <= self._most:
            return
        kept = sorted(((due, key) for key, due in self._due.items() if due > now), reverse=True)[: self._most // 2]
        self._due = {key: due for due, key in kept}


_ROUNDING: Final = 1e-6
"""Sums of intervals are not exact; a microsecond is nobody's advantage."""
