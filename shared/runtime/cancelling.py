"""Cancelling that arrives."""

from __future__ import annotations

import asyncio
from typing import Final

_AGAIN_SECONDS: Final = 0.5


async def cancel_until_done(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait for their end; their outcome is not looked at.

    One `cancel()` is not enough: `asyncio.wait_for` before Python 3.12, which drivers use, drops a cancellation that
    comes at the moment in which what it waits for is done.
    """
    open_tasks = set(tasks)
    while open_tasks:
        for task in open_tasks:
            task.cancel()
        _, open_tasks = await asyncio.wait(open_tasks, timeout=_AGAIN_SECONDS)
