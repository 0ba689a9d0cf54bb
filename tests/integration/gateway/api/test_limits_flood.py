"""The limits of a real gateway under a flood, counted in a real Redis."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from services.gateway.api.limits.gcra import Claim
from services.gateway.api.limits.policy import LimitPolicy, Rate
from services.gateway.api.limits.shared import RedisGcra
from shared.redis import connection
from shared.redis.connection import open_redis
from shared.settings.secret import Secret
from tests.harness.api import Api, gateway_on

SECONDS = 4.0
CLIENTS = 40
ENOUGH = Rate(count=1_000_000, burst=1_000_000)
LIMIT = LimitPolicy().user


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with other tests is no reason to do without Redis here."""
    monkeypatch.setattr(connection, "SECONDS", 10.0)


@pytest.fixture
async def api(postgres_server: str, redis_url: str) -> AsyncIterator[Api]:
    policy = LimitPolicy(address=ENOUGH)
    prefix = f"tf-test-{secrets.token_hex(6)}"
    async with gateway_on(postgres_server, redis=Secret(redis_url), bus_prefix=prefix, policy=policy) as found:
        yield found


async def test_forty_clients_get_their_users_limit_and_another_user_notices_nothing(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    admitted: list[float] = []
    refused: list[float] = []
    waits: list[float] = []

    async def flood(client: aiohttp.ClientSession) -> None:
        while time.monotonic() - started < SECONDS:
            async with client.get("/api/auth/me") as response:
                (admitted if response.status == 200 else refused).append(time.monotonic())
                assert response.status in {200, 429}
                assert response.status == 200 or int(response.headers["Retry-After"]) >= 1

    async def bystander(client: aiohttp.ClientSession) -> None:
        while time.monotonic() - started < SECONDS:
            asked = time.monotonic()
            async with client.get("/api/auth/me") as response:
                assert response.status == 200
            waits.append(time.monotonic() - asked)
            await asyncio.sleep(0.1)

    async with api.client() as flooding, api.client() as calm, asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(flood(flooding))
        tasks.create_task(bystander(calm))
    seconds = max(admitted) - min(admitted)  # before the first nothing was used up, at the last everything
    limit = LIMIT.burst + LIMIT.count / LIMIT.seconds * seconds
    p95 = sorted(waits)[int(len(waits) * 0.95)]
    with capsys.disabled():
        print(  # noqa: T201
            f"\nflood: {len(admitted)} of {len(admitted) + len(refused)} requests admitted, limit {limit:.1f}; "
            f"p95 of another user {p95 * 1000:.0f} ms"
        )
    assert abs(len(admitted) - limit) <= max(1.0, limit * 0.01)
    assert waits  # how long they took is measured by `make bench`, with processes of their own


async def test_two_gateways_count_together(redis_url: str) -> None:
    prefix = f"tf-test-{secrets.token_hex(6)}"
    claim = Claim(key="user:a", rate=Rate(count=1, seconds=60, burst=40))
    async with open_redis(Secret(redis_url)) as one, open_redis(Secret(redis_url)) as other:
        gateways = [RedisGcra(one, prefix=prefix), RedisGcra(other, prefix=prefix)]
        answers = await asyncio.gather(*(gateways[number % 2].take([claim]) for number in range(100)))
    assert answers.count(None) == 40
