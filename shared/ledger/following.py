"""Keeps the latest snapshot of every run that somebody follows, and hands it on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

from shared.core.errors import Refused, WorldError
from shared.ledger.progress import Progress
from shared.ledger.snapshots import RunSnapshot

INTERVAL_SECONDS = 0.25


async def _interval() -> None:
    await asyncio.sleep(INTERVAL_SECONDS)


class Following:
    """Reads a run again when it was touched, at most once an interval, and gives its followers the newest snapshot.

    Snapshots only go forward: one with a lower `seq` than the last is dropped. A follower that is slow misses those
    in between. `interval` is awaited after each reading: four times a second unless told otherwise.
    """

    def __init__(self, progress: Progress, *, interval: Callable[[], Awaitable[None]] = _interval) -> None:
        self._progress = progress
        self._interval = interval
        self._latest: dict[UUID, RunSnapshot] = {}
        self._followers: dict[UUID, set[_Follower]] = {}
        self._touched: dict[UUID, None] = {}
        self._something_touched = asyncio.Event()

    def touch(self, run: UUID) -> None:
        """Something happened to a run: read it again soon."""
        self._touched[run] = None
        self._something_touched.set()

    def touch_followed(self) -> None:
        """Read every run again that somebody follows: events may have been missed."""
        for run in self._followers:
            self.touch(run)

    def latest(self, run: UUID) -> RunSnapshot | None:
        """The newest snapshot that was read, None before the first."""
        return self._latest.get(run)

    async def subscribe(self, run: UUID) -> AsyncIterator[RunSnapshot]:
        """Snapshots of one run, beginning with how it is now, ending with the one in a final state.

        Raises what `Progress.read` raises for the first of them.
        """
        follower = _Follower()
        self._followers.setdefault(run, set()).add(follower)
        try:
            self._keep(await self._progress.read(run))
            while True:
                await follower.touched.wait()
                follower.touched.clear()
                snapshot = self._latest[run]
                yield snapshot
                if snapshot.is_final:
                    return
        finally:
            self._followers[run].discard(follower)
            if not self._followers[run]:
                del self._followers[run]

    async def read_touched(self) -> None:
        """Wait until a run was touched, read all that were, then pause for the interval. Raises WorldError."""
        await self._something_touched.wait()
        self._something_touched.clear()
        runs, self._touched = list(self._touched), {}
        for position, run in enumerate(runs):
            try:
                self._keep(await self._progress.read(run))
            except Refused:
                # Of another ledger, or removed: nobody can follow it.
                continue
            except WorldError:
                for unread in runs[position:]:
                    self.touch(unread)
                raise
        await self._interval()

    def _keep(self, snapshot: RunSnapshot) -> None:
        known = self._latest.get(snapshot.run)
        if known is None or known.seq <= snapshot.seq:
            self._latest[snapshot.run] = snapshot
        for follower in self._followers.get(snapshot.run, ()):
            follower.touched.set()
        if snapshot.is_final and snapshot.run not in self._followers:
            self._latest.pop(snapshot.run, None)


class _Follower:
    """One subscription: whether there is a snapshot that it has not seen."""

    def __init__(self) -> None:
        self.touched = asyncio.Event()
