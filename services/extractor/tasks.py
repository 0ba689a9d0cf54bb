"""Tasks that belong to one piece of work: the first error of theirs is the work's error, not a group of errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def each(work: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, most: int) -> list[Result]:
    """The results of `work` for all items, in their order, at most `most` at a time."""
    turns = asyncio.Semaphore(most)

    async def in_turn(item: Item) -> Result:
        async with turns:
            return await work(item)

    async with single_error(), asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(in_turn(item)) for item in items]
    return [task.result() for task in started]


@asynccontextmanager
async def meanwhile(beat: Callable[[], Awaitable[None]], *, seconds: float) -> AsyncIterator[None]:
    """Calls `beat` every so many seconds as long as the context lasts; its error ends the context."""

    async def keep_on() -> None:
        while True:
            await asyncio.sleep(seconds)
            await beat()

    async with single_error(), asyncio.TaskGroup() as tasks:
        beating = tasks.create_task(keep_on(), name="meanwhile")
        yield
        beating.cancel()


@asynccontextmanager
async def single_error() -> AsyncIterator[None]:
    """Raises the first error of a task group instead of the group."""
    try:
        yield
    except BaseExceptionGroup as group:
        first = group.exceptions[0]
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from first.__cause__
