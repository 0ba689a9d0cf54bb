"""The deny list: a revoked token stays out, whatever becomes of Redis."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest
from redis.asyncio import Redis

from shared.core.errors import WorldError
from shared.identity.deny_list import LOADED_SECONDS, DenyList, until
from shared.identity.identity import Identity
from shared.identity.permissions import Role
from shared.ledger.migrate import migrate
from shared.ledger.revocations import Revocations
from shared.postgres.pools import Pool, Session, open_pool
from shared.redis.connection import RedisLink, open_redis
from shared.settings.secret import Secret
from tests.conftest import DatabaseFactory
from tests.harness.databases import address_of


def identity(subject: uuid.UUID | None = None, **changes: object) -> Identity:
    """Somebody who signed in just now."""
    now = datetime.now(UTC).replace(microsecond=0)
    found = Identity(
        subject=subject or uuid.uuid4(),
        role=Role.VIEWER,
        email="someone@example.org",
        session=str(uuid.uuid4()),
        issued_at=now,
        expires_at=now + timedelta(minutes=10),
    )
    return msgspec.structs.replace(found, **changes)


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched(Revocations):
    """The ledger's revocations, that count how often a token was looked up in them."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.lookups = 0

    async def holds(self, session: str, subject: uuid.UUID, issued_at: datetime) -> bool:
        self.lookups += 1
        return await super().holds(session, subject, issued_at)


class Place:
    """A ledger and a prefix of keys in Redis of its own."""

    def __init__(self, pool: Pool, connection: asyncpg.Connection, redis_url: str) -> None:
        self.pool = pool
        self.connection = connection
        self.redis_url = redis_url
        self.prefix = f"test-{secrets.token_hex(4)}"
        self.revocations = Watched(pool)

    @asynccontextmanager
    async def gateway(self, url: str | None = None, clock: Clock | None = None) -> AsyncIterator[DenyList]:
        """The deny list as one process has it."""
        async with open_redis(Secret(url or self.redis_url)) as redis:
            yield self.over(redis, clock)

    def over(self, redis: RedisLink, clock: Clock | None = None) -> DenyList:
        return DenyList(self.revocations, redis, prefix=self.prefix, clock=clock or Clock())

    async def flush(self) -> None:
        """Redis loses all that this installation keeps there."""
        async with Redis.from_url(self.redis_url) as client:
            async for key in client.scan_iter(f"{self.prefix}:*"):
                await client.delete(key)

    async def looked_up(self, deny_list: DenyList, who: Identity) -> tuple[bool, int]:
        """The answer, and how often the ledger was asked for it."""
        before = self.revocations.lookups
        return await deny_list.denies(who), self.revocations.lookups - before


@pytest.fixture
async def place(new_database: DatabaseFactory, redis_url: str) -> AsyncIterator[Place]:
    url = await new_database("denied")
    connection = await asyncpg.connect(url)
    await migrate(connection)
    async with open_pool(address_of(url), "ledger", Session()) as pool:
        found = Place(pool, connection, redis_url)
        yield found
        await found.flush()
        await connection.close()


async def test_a_session_that_was_signed_out_is_denied_and_no_other_one(place: Place) -> None:
    mine, other = identity(), identity()
    async with place.gateway() as deny_list:
        assert not await deny_list.denies(mine)
        await deny_list.revoke(mine, until(600))
        assert await deny_list.denies(mine)
        assert not await deny_list.denies(other)
        assert not await deny_list.denies(identity(mine.subject)), "another sign-in of the same person"


async def test_everywhere_means_all_tokens_up_to_now_and_none_after(place: Place) -> None:
    mine = identity()
    elsewhere = identity(mine.subject)
    later = identity(mine.subject, issued_at=datetime.now(UTC) + timedelta(seconds=2))
    async with place.gateway() as deny_list:
        await deny_list.denies(mine)
        await deny_list.revoke(mine, until(600), everywhere=True)
        for _ in range(2):
            assert [await deny_list.denies(who) for who in (mine, elsewhere, later)] == [True, True, False]
            await place.flush()


async def test_a_token_without_a_session_is_revoked_by_its_subject(place: Place) -> None:
    mine, other = identity(session=""), identity(session="")
    async with place.gateway() as deny_list:
        await deny_list.revoke(mine, until(600))
        assert [await deny_list.denies(who) for who in (mine, other)] == [True, False]


async def test_while_redis_has_the_list_the_ledger_is_not_asked(place: Place) -> None:
    mine, other = identity(), identity()
    async with place.gateway() as deny_list:
        assert await place.looked_up(deny_list, mine) == (False, 1)
        assert await place.looked_up(deny_list, mine) == (False, 0)
        await deny_list.revoke(mine, until(600))
        assert await place.looked_up(deny_list, mine) == (True, 0)
        assert await place.looked_up(deny_list, other) == (False, 0)


async def test_a_redis_that_lost_its_memory_lets_nobody_in(place: Place) -> None:
    mine = identity()
    async with place.gateway() as deny_list:
        await deny_list.revoke(mine, until(600))
        await deny_list.denies(mine)
        await place.flush()
        assert await place.looked_up(deny_list, mine) == (True, 1)
        assert await place.looked_up(deny_list, mine) == (True, 0), "the list was not given to Redis again"


async def test_entries_without_the_mark_of_a_whole_list_are_not_believed(place: Place) -> None:
    mine, other = identity(), identity()
    async with place.gateway() as deny_list:
        await deny_list.revoke(mine, until(600))
        await place.flush()
        await deny_list.revoke(other, until(600))
        assert await place.looked_up(deny_list, mine) == (True, 1)


async def test_without_redis_the_ledger_answers(place: Place) -> None:
    mine = identity()
    for url in ("redis://127.0.0.1:1/0", None):
        async with open_redis(None if url is None else Secret(url)) as redis:
            deny_list = place.over(redis)
            assert not await deny_list.denies(mine)
            other = identity()
            await deny_list.revoke(other, until(600))
            assert await place.looked_up(deny_list, other) == (True, 1)


async def test_what_one_gateway_revokes_is_denied_by_the_others_at_once(place: Place) -> None:
    async with place.gateway() as here, place.gateway() as there:
        for _ in range(5):
            mine = identity()
            assert not await there.denies(mine)
            await here.revoke(mine, until(600))
            assert await place.looked_up(there, mine) == (True, 0)


async def test_what_redis_was_not_told_is_denied_here_at_once_and_by_the_others_when_its_mark_has_gone(
    place: Place,
) -> None:
    mine, clock = identity(), Clock()
    async with place.gateway() as there, open_redis(Secret("redis://127.0.0.1:1/0")) as dead:
        assert not await there.denies(mine)
        here = place.over(dead, clock)
        await here.revoke(mine, until(600))
        assert await here.denies(mine)
        async with Redis.from_url(place.redis_url) as client:
            key = [key async for key in client.scan_iter(f"{place.prefix}:*")]
            assert len(key) == 1
            assert 0 < await client.ttl(key[0]) <= LOADED_SECONDS
            await client.expire(key[0], 0)
        assert await there.denies(mine)


async def test_a_list_that_is_loaded_late_takes_nothing_back(place: Place) -> None:
    mine = identity()
    async with place.gateway() as here, place.gateway() as there:
        await here.revoke(mine, until(600), everywhere=True)
        old = await place.revocations.current()
        again = identity(mine.subject, issued_at=datetime.now(UTC))
        await here.revoke(again, until(600), everywhere=True)
        await there._raise(str(LOADED_SECONDS), old)
        assert [await place.looked_up(there, who) for who in (mine, again)] == [(True, 0), (True, 0)]


async def test_two_installations_that_share_a_redis_do_not_take_each_others_mark(
    place: Place, new_database: DatabaseFactory
) -> None:
    url = await new_database("denied")
    connection = await asyncpg.connect(url)
    await migrate(connection)
    await connection.close()
    mine = identity()
    async with open_pool(address_of(url), "ledger", Session()) as pool, place.gateway() as here:
        other = Place(pool, connection, place.redis_url)
        other.prefix = place.prefix
        async with other.gateway() as there:
            await Revocations(pool).add_session(mine.session, until(600))
            assert not await here.denies(mine)
            assert await there.denies(mine)


async def test_a_revocation_is_forgotten_when_no_token_can_live_any_more(place: Place) -> None:
    over, holds = identity(), identity()
    async with place.gateway() as deny_list:
        await deny_list.revoke(over, until(-1))
        await deny_list.revoke(holds, until(600))
    await place.connection.execute("select transfuse.forget_sign_ins()")
    kept = await place.connection.fetch("select session from transfuse.revocation")
    assert [row["session"] for row in kept] == [holds.session]


async def test_without_redis_and_ledger_nobody_is_let_in(place: Place) -> None:
    nowhere = msgspec.structs.replace(address_of("postgresql://nobody@127.0.0.1/nothing"), port=1)
    async with open_pool(nowhere, "ledger", Session()) as pool, open_redis(None) as redis:
        deny_list = DenyList(Revocations(pool), redis, prefix=place.prefix)
        with pytest.raises(WorldError):
            await deny_list.denies(identity())


async def test_a_crowd_after_a_loss_gets_right_answers_and_loads_the_list_once(place: Place) -> None:
    revoked, free = [identity() for _ in range(10)], [identity() for _ in range(10)]
    async with place.gateway() as deny_list:
        for who in revoked:
            await deny_list.revoke(who, until(600))
        await place.flush()
        found = await asyncio.gather(*(deny_list.denies(who) for who in [*revoked, *free] * 5))
        assert found == ([True] * 10 + [False] * 10) * 5
