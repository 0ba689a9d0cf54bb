"""Watches a run to where it stands still and says what it came to."""

from __future__ import annotations

import asyncio
from uuid import UUID

from transfuse.exit_codes import ExitCode
from transfuse.operator import Operator, console
from transfuse.screen.summary import exit_code, summary
from transfuse.watching import watch


async def follow(ledger: Operator, run: UUID) -> ExitCode:
    """Show the run until it ends or pauses, then its summary; Ctrl-C leaves it resumable."""
    try:
        snapshot = await watch(ledger.progress, run, console)
    except asyncio.CancelledError:
        console.print(f"\nInterrupted. Batches in hand are finished; go on with: transfuse resume {run}")
        raise
    console.print()
    console.print(summary(snapshot))
    return exit_code(snapshot)
