"""What cancelling promises: the task has ended."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from shared.runtime.cancelling import cancel_until_done


async def test_a_task_that_drops_its_first_cancellation_ends_all_the_same() -> None:
    dropped = []

    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        dropped.append(1)
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn(), name="stubborn")
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await cancel_until_done(task)
    assert task.cancelled()
    assert dropped == [1]


async def test_nothing_to_cancel_returns_at_once() -> None:
    await cancel_until_done()
