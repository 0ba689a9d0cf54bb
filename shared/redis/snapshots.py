"""The newest snapshot of every run that moves, so that those who look do not all ask the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import msgspec
from redis.asyncio import Redis

from shared.core.errors import RedisUnavailable
from shared.ledger.snapshots import RunSnapshot
from shared.redis.connection import RedisLink

FRESH_SECONDS: Final = 5
"""What was kept longer ago is not shown: the ledger is asked then."""
CHANGED_SECONDS: Final = FRESH_SECONDS + 1
"""After a verb nothing that was read before it is shown: it would be older than this by then."""


_decoder = msgspec.msgpack.Decoder(RunSnapshot)


class KeptSnapshots:
    """Snapshots by run. Nothing here is needed: whoever finds none, or no Redis, reads the ledger.

    Never raises. `prefix` keeps installations apart that share a Redis.
    """

    def __init__(self, redis: RedisLink, *, prefix: str = "tf") -> None:
        self._redis = redis
        self._prefix = prefix

    async def keep(self, snapshot: RunSnapshot) -> None:
        """Keep the newest snapshot of a run for a few seconds."""
        content = msgspec.msgpack.encode(snapshot)

        async def write(client: Redis) -> None:
            await client.set(self._key(snapshot.run), content, ex=FRESH_SECONDS)

        await self._try(write)

    async def find(self, run: UUID) -> RunSnapshot | None:
        """The snapshot that was kept last; None where there is none, or one that a verb may have made untrue."""
        found: list[bytes | str | None] = []

        async def read(client: Redis) -> None:
            found.extend(await client.mget(self._key(run), self._changed(run)))

        await self._try(read)
        if len(found) != 2 or not isinstance(found[0], bytes) or found[1] is not None:
            return None
        try:
            return _decoder.decode(found[0])
        except msgspec.MsgspecError:
            # Kept by another version of Transfuse.
            return None

    async def forget(self, run: UUID) -> None:
        """A verb changed the run: until the next snapshots are surely younger, the ledger is asked."""

        async def mark(client: Redis) -> None:
            await client.set(self._changed(run), b"1", ex=CHANGED_SECONDS)

        await self._try(mark)

    async def _try(self, question: Callable[[Redis], Awaitable[None]]) -> None:
        try:
            await self._redis.ask(question)
        except RedisUnavailable:
            return

    def _key(self, run: UUID) -> str:
        return f"{self._prefix}:snapshot:{run}"

    def _changed(self, run: UUID) -> str:
        return f"{self._prefix}:changed:{run}"
