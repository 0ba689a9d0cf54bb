"""The link to a real Redis, and to one that swallows what it is told."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest

from shared.core.errors import RedisUnavailable
from shared.redis.connection import SECONDS, open_redis
from shared.settings.secret import Secret
from tests.servers.proxy import Proxy

PROBES = 20


async def test_a_running_redis_answers(redis_url: str) -> None:
    async with open_redis(Secret(redis_url)) as link:
        await link.probe()


async def test_a_redis_that_says_nothing_costs_half_a_second_once(redis_url: str) -> None:
    parts = urlsplit(redis_url)
    async with Proxy(parts.hostname or "", parts.port or 6379) as proxy:
        moved = parts._replace(netloc=parts.netloc.rpartition("@")[0] + f"@127.0.0.1:{proxy.port}").geturl()
        async with open_redis(Secret(moved.replace("://@", "://"))) as link:
            await link.probe()
            proxy.swallow(swallow=True)
            started = time.monotonic()
            for _ in range(PROBES):
                with pytest.raises(RedisUnavailable):
                    await link.probe()
            assert time.monotonic() - started < PROBES * SECONDS / 2  # far from what waiting each time would take


async def test_a_redis_that_is_not_there_is_refused_without_its_address() -> None:
    async with open_redis(Secret("redis://:pass-word@127.0.0.1:9/0")) as link:
        with pytest.raises(RedisUnavailable) as caught:
            await link.probe()
        assert "pass-word" not in str(caught.value)
