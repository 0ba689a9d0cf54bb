"""Counting requests: the same promises for the counter in Redis and the one in the process."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from services.gateway.api.limits.gcra import Claim, Gcra, LocalGcra
from services.gateway.api.limits.policy import LimitPolicy, Rate
from services.gateway.api.limits.requests import RequestLimits, network_of
from services.gateway.api.limits.shared import RedisGcra, SteadyGcra
from services.gateway.api.problems import ApiError
from shared.core.errors import RedisUnavailable
from shared.redis import connection
from shared.redis.connection import open_redis
from shared.settings.secret import Secret

RATE = Rate(count=20, burst=40)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=("process", "redis in the process", "redis"))
async def gcra(
    request: pytest.FixtureRequest, clock: Clock, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gcra]:
    monkeypatch.setattr(connection, "SECONDS", 10.0)  # a busy machine is no reason to do without Redis here
    if request.param == "process":
        yield LocalGcra(clock=clock)
        return
    prefix = f"tf-test-{secrets.token_hex(6)}"
    setting = Secret(redis_url if request.param == "redis" else f"memory://{prefix}")
    async with open_redis(setting) as redis:
        yield RedisGcra(redis, prefix=prefix, clock=clock)


def claim(key: str, rate: Rate = RATE) -> Claim:
    return Claim(key=key, rate=rate)


async def admitted(gcra: Gcra, key: str, count: int, rate: Rate = RATE) -> int:
    """How many of `count` requests at the same time are admitted."""
    answers = await asyncio.gather(*(gcra.take([claim(key, rate)]) for _ in range(count)))
    return answers.count(None)


async def test_a_burst_is_admitted_at_once_and_no_request_more(gcra: Gcra) -> None:
    assert await admitted(gcra, "a", 100) == 40


async def test_after_the_burst_as_many_are_admitted_as_time_has_passed(gcra: Gcra, clock: Clock) -> None:
    total = await admitted(gcra, "a", 100)
    for _ in range(100):
        clock.now += 0.1
        total += await admitted(gcra, "a", 10)
    assert total == 40 + 20 * 10


async def test_forty_clients_get_the_limit_of_their_user_within_one_percent(gcra: Gcra, clock: Clock) -> None:
    total = 0
    for _ in range(100):
        total += await admitted(gcra, "a", 40)
        clock.now += 0.031
    limit = 40 + 20 * 100 * 0.031
    assert abs(total - limit) <= limit * 0.01


async def test_a_refused_request_is_told_when_it_will_be_admitted(gcra: Gcra, clock: Clock) -> None:
    await admitted(gcra, "a", 40)
    refusal = await gcra.take([claim("a")])
    assert refusal is not None
    assert refusal.retry_seconds == pytest.approx(0.05, abs=0.001)
    clock.now += refusal.retry_seconds
    assert await gcra.take([claim("a")]) is None


async def test_one_key_is_not_affected_by_another(gcra: Gcra) -> None:
    await admitted(gcra, "a", 100)
    assert await admitted(gcra, "b", 40) == 40


async def test_what_one_claim_refuses_counts_for_no_other(gcra: Gcra) -> None:
    few = Rate(count=1, burst=1)
    assert await gcra.take([claim("a"), claim("few", few)]) is None
    for _ in range(100):
        refusal = await gcra.take([claim("a"), claim("few", few)])
        assert refusal is not None
        assert refusal.claim.key == "few"
    assert await admitted(gcra, "a", 100) == 39


async def test_what_is_given_back_was_never_taken(gcra: Gcra) -> None:
    for _ in range(100):
        assert await gcra.take([claim("a")]) is None
        await gcra.give_back([claim("a")])
    assert await admitted(gcra, "a", 100) == 40


async def test_a_clock_that_is_set_back_keeps_nobody_out_for_long(gcra: Gcra, clock: Clock) -> None:
    if isinstance(gcra, LocalGcra):
        return  # a monotonic clock is never set back
    await admitted(gcra, "a", 40)
    clock.now -= 3600
    refusal = await gcra.take([claim("a")])
    assert refusal is not None
    assert refusal.retry_seconds <= 2.1


async def test_without_redis_the_process_counts_for_itself(clock: Clock) -> None:
    class Dead:
        async def take(self, claims: object) -> None:
            raise RedisUnavailable("Redis is not asked now")

        async def give_back(self, claims: object) -> None:
            raise RedisUnavailable("Redis is not asked now")

    steady = SteadyGcra(Dead(), LocalGcra(clock=clock))
    assert await admitted(steady, "a", 100) == 40
    await steady.give_back([claim("a")])
    assert await admitted(steady, "a", 100) == 1


async def test_a_flood_of_addresses_does_not_fill_the_memory(clock: Clock) -> None:
    gcra = LocalGcra(clock=clock, most=100)
    await admitted(gcra, "busy", 40)
    for number in range(1_000):
        await gcra.take([claim(f"address {number}")])
    assert len(gcra._due) <= 100
    assert await admitted(gcra, "busy", 1) == 0


async def test_failed_sign_ins_count_before_they_have_failed(clock: Clock) -> None:
    limits = RequestLimits(LocalGcra(clock=clock), LimitPolicy())
    attempts = await asyncio.gather(
        *(limits.try_sign_in("203.0.113.7", "a@example.org") for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(attempt, ApiError) for attempt in attempts) == 15
    with pytest.raises(ApiError) as caught:
        await limits.try_sign_in("198.51.100.1", " A@Example.org")
    assert caught.value.headers["Retry-After"] == "12"


async def test_sign_ins_that_succeed_count_for_nothing(clock: Clock) -> None:
    limits = RequestLimits(LocalGcra(clock=clock), LimitPolicy())
    for _ in range(50):
        await limits.not_failed(await limits.try_sign_in("203.0.113.7", "a@example.org"))


@pytest.mark.parametrize(
    ("address", "network"),
    (("203.0.113.7", "203.0.113.7"), ("2001:db8::7", "2001:db8::/64"), ("", "local")),
)
def test_one_customer_of_ipv6_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("written", ("ADMIN@EXAMPLE.ORG", "adm\u0130n@example.org", "\uff41dmin@example.org"))
async def test_an_account_is_counted_once_however_it_is_written(written: str) -> None:
    limits = RequestLimits(LocalGcra(), LimitPolicy(sign_ins_of_account=Rate(count=1, seconds=60, burst=1)))
    await limits.try_sign_in("192.0.2.1", "admin@example.org")
    with pytest.raises(ApiError) as caught:
        await limits.try_sign_in("192.0.2.2", written)
    assert caught.value.code == "too_many_requests"
