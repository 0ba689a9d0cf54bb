"""Snapshots in Redis: the newest for a few seconds, none after a verb, and no failure without Redis."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from shared.redis.connection import RedisLink, open_redis
from shared.redis.snapshots import CHANGED_SECONDS, FRESH_SECONDS, KeptSnapshots
from shared.settings.secret import Secret
from tests.harness.snapshots import run_snapshot


@pytest.fixture(params=("real", "in process"))
async def redis(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[RedisLink]:
    """A Redis with room for the test's own keys."""
    url = redis_url if request.param == "real" else f"memory://{secrets.token_hex(4)}"
    async with open_redis(Secret(url)) as link:
        yield link


def kept_in(redis: RedisLink) -> KeptSnapshots:
    return KeptSnapshots(redis, prefix=f"test-{secrets.token_hex(6)}")


async def test_a_snapshot_that_was_kept_is_found_as_it_was(redis: RedisLink) -> None:
    kept, snapshot = kept_in(redis), run_snapshot()
    assert await kept.find(snapshot.run) is None
    await kept.keep(snapshot)
    assert await kept.find(snapshot.run) == snapshot


async def test_after_a_verb_nothing_that_was_read_before_it_is_shown(redis: RedisLink) -> None:
    kept, snapshot = kept_in(redis), run_snapshot()
    await kept.keep(snapshot)
    await kept.forget(snapshot.run)
    assert await kept.find(snapshot.run) is None
    await kept.keep(snapshot)  # the notifier had read it before the verb
    assert await kept.find(snapshot.run) is None


async def test_what_is_kept_ends_by_itself(redis: RedisLink) -> None:
    prefix = f"test-{secrets.token_hex(6)}"
    kept, snapshot = KeptSnapshots(redis, prefix=prefix), run_snapshot()
    await kept.keep(snapshot)
    await kept.forget(snapshot.run)
    fresh = await redis.ask(lambda client: client.ttl(f"{prefix}:snapshot:{snapshot.run}"))
    changed = await redis.ask(lambda client: client.ttl(f"{prefix}:changed:{snapshot.run}"))
    assert 0 < fresh <= FRESH_SECONDS < changed <= CHANGED_SECONDS


async def test_bytes_of_another_version_are_none(redis: RedisLink) -> None:
    prefix = f"test-{secrets.token_hex(6)}"
    snapshot = run_snapshot()
    await redis.ask(lambda client: client.set(f"{prefix}:snapshot:{snapshot.run}", b"\x81\xa1x\x01", ex=FRESH_SECONDS))
    assert await KeptSnapshots(redis, prefix=prefix).find(snapshot.run) is None


@pytest.mark.parametrize("setting", (None, Secret("redis://127.0.0.1:1/0")))
async def test_without_redis_nothing_is_found_and_nothing_fails(setting: Secret | None) -> None:
    async with open_redis(setting) as link:
        kept, snapshot = kept_in(link), run_snapshot()
        await kept.keep(snapshot)
        await kept.forget(snapshot.run)
        assert await kept.find(snapshot.run) is None
