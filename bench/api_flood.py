"""Forty clients flood as one user: how many requests they get through, and what somebody else notices of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from http import HTTPStatus

import aiohttp
import msgspec

from bench.clients import Answered, Client, percentile
from services.gateway.api.limits.policy import LimitPolicy

CLIENTS = 40
FLOOD_SECONDS = 20.0
READS_PER_SECOND = 8.0


class Flooded(msgspec.Struct, frozen=True, kw_only=True):
    """What the flood came to."""

    seconds: float
    asked: int
    allowed: int
    others: int
    other_p95: float
    other_wrong: int

    @property
    def expected(self) -> float:
        """What the limit of a user allows in that time."""
        rate = LimitPolicy().user
        return rate.burst + rate.count / rate.seconds * self.seconds

    @property
    def error(self) -> float:
        """By how much more or less was allowed, as a share."""
        return abs(self.allowed - self.expected) / self.expected


async def flood(http: aiohttp.ClientSession, flooded: str, read: Sequence[str]) -> Flooded:
    """Flood one path for a while as one user from forty addresses; another user reads in turn what is in `read`."""
    flooder = Client(http, 1000)
    reader = Client(http, 2000)
    end = time.perf_counter() + FLOOD_SECONDS
    async with asyncio.TaskGroup() as tasks:
        flooding = [
            tasks.create_task(_flood(flooder.from_address(1100 + number), flooded, end), name=f"flood {number}")
            for number in range(CLIENTS)
        ]
        reading = tasks.create_task(_read(reader, read, end), name="reader")
    found = [one for task in flooding for one in task.result()]
    statuses = [status for status, _ in found]
    allowed = [at for status, at in found if status == HTTPStatus.OK]
    unexpected = set(statuses) - {HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS}
    if unexpected:
        raise RuntimeError(f"the flood was answered with {sorted(unexpected)}")
    answers = reading.result()
    return Flooded(
        seconds=max(allowed) - min(allowed),  # before the first nothing was used up, at the last everything
        asked=len(statuses),
        allowed=len(allowed),
        others=len(answers),
        other_p95=percentile([one.seconds for one in answers], 0.95),
        other_wrong=sum(one.status != HTTPStatus.OK for one in answers),
    )


async def _flood(client: Client, path: str, end: float) -> list[tuple[int, float]]:
    """Ask again as soon as there is an answer; each answer's status and time."""
    answers = list[tuple[int, float]]()
    while time.perf_counter() < end:
        status = (await client.ask("GET", path)).status
        answers.append((status, time.perf_counter()))
    return answers


async def _read(client: Client, paths: Sequence[str], end: float) -> list[Answered]:
    answers, number = list[Answered](), 0
    while (now := time.perf_counter()) < end:
        answers.append(await client.ask("GET", paths[number % len(paths)]))
        number += 1
        await asyncio.sleep(max(0.0, now + 1 / READS_PER_SECOND - time.perf_counter()))
    return answers
