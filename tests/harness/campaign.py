"""Random faults in run after run: each of them has to end as the undisturbed one."""

from __future__ import annotations

import statistics
import time
from uuid import UUID

import msgspec

from shared.core.states import FINAL, RunState
from tests.harness import mischief, mischief_of_people, mischief_of_servers
from tests.harness.mischief import Mischief
from tests.harness.rig import Rig
from tests.harness.trials import Lost

KINDS = (*mischief.KINDS, *mischief_of_people.KINDS, *mischief_of_servers.KINDS)
WHOLE_RUN = frozenset({"somebody_cancels_it", "the_source_is_written"})
"""What leaves nothing for a second fault in the same run."""
AT_ANY_MOMENT = frozenset({"a_service_is_killed", "a_service_is_told_to_end", "a_service_halts", "sessions_are_ended"})
"""What a run survives before its planning is over too; where the source is away by then it fails, and says so."""
OVER = FINAL | {RunState.FINISHING}
MOST_AT_ONCE = 3
LATEST = 15
"""Settled batches at which the last of a run's faults begins."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done. `recovery_seconds` is from its end to the next settled batch, where one was due."""

    name: str
    settled_before: int
    recovery_seconds: float | None = None
    lost: str = ""


class Campaign:
    """Faults until the time is over; every kind comes before any comes again."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.faults: list[Fault] = []
        self.run_count = 0
        self.duplicates = 0
        self._rig = rig
        self._seed = seed
        self._deck: list[str] = []
        self._kinds, self.left_out = kinds_for(rig)

    async def go_on(self, seconds: float) -> None:
        """Begin runs for so long, and end the last one."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            await self._trial(self._draw())

    def report(self) -> str:
        """What it came to, in lines."""
        lost = [fault for fault in self.faults if fault.lost]
        known = (fault.recovery_seconds for fault in self.faults if not fault.lost)
        recoveries = sorted(seconds for seconds in known if seconds is not None) or [0.0]
        slowest = max(self.faults, key=lambda fault: fault.recovery_seconds or 0.0, default=None)
        p95 = recoveries[min(len(recoveries) - 1, int(len(recoveries) * 0.95))]
        first = (
            f"random faults: survived {len(self.faults) - len(lost)} of {len(self.faults)} in {self.run_count} runs "
            f"(seed {self._seed}), at least {self.duplicates} duplicates absorbed, "
            f"recovery p50 {statistics.median(recoveries):.1f} s, p95 {p95:.1f} s, "
            f"longest {recoveries[-1]:.1f} s after {slowest.name if slowest else None!r}"
        )
        lines = [
            first,
            *(f"  lost: {fault.name} at {fault.settled_before} settled batches: {fault.lost}" for fault in lost),
            *(f"  left out: {name}, {why}" for name, why in self.left_out.items()),
        ]
        return "\n".join(lines)

    def _draw(self) -> list[str]:
        """The next faults of one run."""
        drawn: list[str] = []
        for _ in range(self._rig.dice.randint(1, MOST_AT_ONCE)):
            if not self._deck:
                self._deck = sorted(self._kinds)
                self._rig.dice.shuffle(self._deck)
            if self._deck[-1] in WHOLE_RUN and drawn:
                break
            drawn.append(self._deck.pop())
            if drawn[-1] in WHOLE_RUN:
                break
        return drawn

    async def _trial(self, names: list[str]) -> None:
        """One run with these faults, and what became of them."""
        self.run_count += 1
        done: list[Fault] = []
        run = await self._rig.trials.start()
        try:
            for name, settled in zip(names, self._moments(names), strict=True):
                done.append(Fault(name=name, settled_before=settled))
                await self._rig.trials.middle(run, settled)
                await self._kinds[name](self._rig, run)
                done[-1] = msgspec.structs.replace(done[-1], recovery_seconds=await self._recovery(run))
            if await self._rig.trials.state(run) is RunState.CANCELLED:
                run = await self._rig.trials.start()
            await self._rig.trials.survived(run)
        except (Lost, ExceptionGroup) as error:
            done = [msgspec.structs.replace(fault, lost=str(error)) for fault in done]
            await self._give_up(run)
        finally:
            await self._rig.heal()
        self.faults += done
        self.duplicates = await self._rig.fleet.duplicates()

    def _moments(self, names: list[str]) -> list[int]:
        earliest = 0 if AT_ANY_MOMENT.issuperset(names) else 1
        return sorted(self._rig.dice.randint(earliest, LATEST) for _ in names)

    async def _recovery(self, run: UUID) -> float | None:
        """Seconds until another batch settles; None where none was open."""
        began = time.monotonic()
        if await self._rig.trials.state(run) in OVER:
            return None
        before, _ = await self._rig.trials.moves(run)

        async def moved() -> bool:
            await self._rig.trials.resume_expected(run)
            settled, _ = await self._rig.trials.moves(run)
            return settled > before or await self._rig.trials.state(run) in OVER

        await self._rig.trials.until(moved)
        return time.monotonic() - began

    async def _give_up(self, run: UUID) -> None:
        """End a run that did not survive, so that the next one can begin."""
        await self._rig.heal()
        if await self._rig.trials.state(run) not in FINAL:
            await mischief_of_people.somebody_cancels_it(self._rig, run)


def kinds_for(rig: Rig) -> tuple[dict[str, Mischief], dict[str, str]]:
    """What can be done here, by name, and why the rest is left out."""
    found = {kind.__name__: kind for kind in KINDS}
    left_out = {}
    if rig.disk is None:
        del found["the_disk_is_full"]
        left_out["the_disk_is_full"] = "this user may mount no small file system"
    return found, left_out
