"""Watches a run to where it stands still and says what it came to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from shared.core.errors import TransfuseError
from shared.core.states import LoadMode, RunState
from transfuse.exit_codes import ExitCode
from transfuse.operator import console
from transfuse.run_control import RunControl
from transfuse.screen.summary import exit_code, summary
from transfuse.screen.validation import exit_code as validated
from transfuse.screen.validation import validation
from transfuse.silence import LISTEN_SECONDS
from transfuse.watching import watch

TAKEN_SECONDS = 10.0
"""A run that nobody has begun to move by then may wait for somebody who is not there."""
UNTAKEN = frozenset({RunState.PENDING, RunState.PLANNING})


async def follow(runs: RunControl, run: UUID) -> ExitCode:
    """Show the run until it ends or pauses, then its summary; Ctrl-C ends the watching only."""
    try:
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(tell_silence(runs, run, console.print), name="who is silent")
            status = await watch(runs.status, run, console)
            asking.cancel()
    except asyncio.CancelledError:
        console.print(f"\n{runs.again(run)}")
        raise
    console.print()
    console.print(summary(status))
    if status.phase is RunState.PAUSED:
        console.print(f"     Go on with: {runs.resuming(run)}")
    if status.mode is LoadMode.CHECK and status.phase is not RunState.PAUSED:
        report = await runs.validation(run)
        console.print(validation(report))
        return validated(report)
    return exit_code(status)


async def follow_all(runs: RunControl, run: UUID) -> ExitCode:
    """Follow a run, and the replays that start by themselves when parents have arrived; the worst that they came to."""
    worst = await follow(runs, run)
    while (following := await runs.follower(run)) is not None:
        console.print(f"\nrun {following} replays rows whose parents have arrived")
        run, worst = following, max(worst, await follow(runs, following))
    return worst


async def tell_silence(runs: RunControl, run: UUID, tell: Callable[[str], object]) -> None:
    """Say once who does not answer, where nothing takes the run for a while."""
    await asyncio.sleep(TAKEN_SECONDS - LISTEN_SECONDS)
    with suppress(TransfuseError):  # whoever cannot be asked about it is told of by the watching
        if (await runs.status(run)).phase not in UNTAKEN:
            return
        said = await runs.silent()
        if said and (await runs.status(run)).phase in UNTAKEN:
            tell(said)
