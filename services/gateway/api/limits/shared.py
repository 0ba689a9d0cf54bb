"""GCRA in Redis, for all gateways together, and within the process while Redis does not answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Any, Final, cast

from redis.asyncio import Redis

from services.gateway.api.limits.gcra import Claim, Gcra, LocalGcra, Refusal
from shared.core.errors import RedisUnavailable
from shared.redis.connection import RedisLink

MICROSECONDS: Final = 1_000_000


def _script(name: str) -> str:
    return files("services.gateway.api.limits").joinpath(name).read_text(encoding="utf-8")


TAKE: Final = _script("take.lua")
GIVE_BACK: Final = _script("give_back.lua")


class RedisGcra:
    """Counts in Redis: one round trip for all claims of a request. Raises RedisUnavailable.

    The time is the server's, so that gateways need not agree on one; `clock` (seconds) replaces it in tests.
    """

    def __init__(self, redis: RedisLink, *, prefix: str, clock: Callable[[], float] | None = None) -> None:
        self._redis = redis
        self._prefix = prefix
        self._clock = clock

    async def take(self, claims: Sequence[Claim]) -> Refusal | None:
        now = "" if self._clock is None else f"{self._clock() * MICROSECONDS:.0f}"
        figures = [figure for claim in claims for figure in (_interval(claim), str(claim.rate.burst))]
        number, wait = await self._run(TAKE, claims, [now, *figures])
        return Refusal(claim=claims[number - 1], retry_seconds=wait / MICROSECONDS) if number else None

    async def give_back(self, claims: Sequence[Claim]) -> None:
        await self._run(GIVE_BACK, claims, [_interval(claim) for claim in claims])

    async def _run(self, script: str, claims: Sequence[Claim], arguments: list[str]) -> Any:  # noqa: ANN401 - Lua's
        keys = [f"{self._prefix}:limit:{claim.key}" for claim in claims]

        def run(client: Redis) -> Awaitable[Any]:
            return cast("Awaitable[Any]", client.register_script(script)(keys=keys, args=arguments))

        return await self._redis.ask(run)


class SteadyGcra:
    """Counts in Redis, and by this process alone while Redis does not answer: a limit is never simply off."""

    def __init__(self, shared: Gcra, local: Gcra | None = None) -> None:
        self._shared = shared
        self._local = local or LocalGcra()

    async def take(self, claims: Sequence[Claim]) -> Refusal | None:
        try:
            return await self._shared.take(claims)
        except RedisUnavailable:
            return await self._local.take(claims)

    async def give_back(self, claims: Sequence[Claim]) -> None:
        try:
            await self._shared.give_back(claims)
        except RedisUnavailable:
            await self._local.give_back(claims)


def _interval(claim: Claim) -> str:
    return f"{claim.rate.interval_seconds * MICROSECONDS:.3f}"
