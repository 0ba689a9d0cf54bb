"""The link to Redis: what it costs when Redis is dead, and when it is asked again."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Unreachable

from shared.core.errors import RedisUnavailable
from shared.redis.connection import RedisLink, open_redis
from shared.settings.secret import Secret


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Question:
    """Counts how often it is asked; fails while `dead`."""

    def __init__(self) -> None:
        self.asked = 0
        self.dead = True

    async def __call__(self, client: Redis) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        if self.dead:
            raise Unreachable
        return "answer"


async def test_links_of_one_name_see_the_same_keys() -> None:
    async with open_redis(Secret("memory://one")) as one, open_redis(Secret("memory://one")) as same:
        await one.ask(lambda client: client.set("name", "value"))
        assert await same.ask(lambda client: client.get("name")) == b"value"
        async with open_redis(Secret("memory://other")) as other:
            assert await other.ask(lambda client: client.get("name")) is None


async def test_without_a_setting_every_question_is_refused_at_once() -> None:
    async with open_redis(None) as link:
        assert not link.configured
        with pytest.raises(RedisUnavailable):
            await link.probe()


async def test_a_dead_redis_is_asked_once_per_pause() -> None:
    clock, question = Clock(), Question()
    link = RedisLink(Redis(), clock=clock)
    for _ in range(50):
        with pytest.raises(RedisUnavailable):
            await link.ask(question)
    assert question.asked == 1
    clock.now += 1
    for _ in range(50):
        with pytest.raises(RedisUnavailable):
            await link.ask(question)
    assert question.asked == 2
    clock.now += 1.5  # the second pause is longer
    assert not link.available


async def test_one_question_tries_and_the_others_wait_for_what_it_finds() -> None:
    clock, question = Clock(), Question()
    link = RedisLink(Redis(), clock=clock)
    with pytest.raises(RedisUnavailable):
        await link.ask(question)
    clock.now += 1
    question.dead = False
    answers = await asyncio.gather(*(link.ask(question) for _ in range(5)), return_exceptions=True)
    assert answers.count("answer") == 1
    assert await link.ask(question) == "answer"


async def test_failures_that_were_under_way_together_make_one_pause() -> None:
    clock, question = Clock(), Question()
    link = RedisLink(Redis(), clock=clock)
    await asyncio.gather(*(link.ask(question) for _ in range(20)), return_exceptions=True)
    clock.now += 1
    assert link.available
