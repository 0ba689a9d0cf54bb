"""Requests that are answered once: who asks again under the same key gets the first answer again."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "idempotency.sql")
KEPT_HOURS = 24


class KeyedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request under the key that its caller gave it; keys of different actors are different keys."""

    actor: str
    key: str
    content: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 of what is asked: the ledger keeps no request."""
        return hashlib.sha256(self.content).digest()


class Attempt:
    """One try at a request, within the transaction that keeps its answer. `kept` is the answer it has already."""

    def __init__(self, connection: asyncpg.Connection, request: KeyedRequest, kept: bytes | None) -> None:
        self.connection = connection
        self.kept = kept
        self._request = request

    async def keep(self, answer: bytes) -> None:
        """Keep the answer; it is there as soon as what was done is, and not before."""
        await self.connection.execute(SQL["keep"], self._request.actor, self._request.key, answer)


class Idempotency:
    """Answers by key, kept for a day. What is refused is not kept: the same key may be tried again."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def once(self, request: KeyedRequest) -> AsyncIterator[Attempt]:
        """A transaction in which a request is answered, or its answer is found; a second one waits for the first.

        Where `kept` is None the caller does what is asked, on the attempt's connection, and keeps its answer. Raises
        Refused `key_reused` for a key that came with another request, and DatabaseUnreachable.
        """
        async with self._pool.acquire() as connection:
            await connection.execute(SQL["forget_old"], KEPT_HOURS)
            async with connection.transaction():
                await connection.execute(SQL["forget_own"], request.actor, request.key, KEPT_HOURS)
                taken = await connection.fetchval(SQL["take"], request.actor, request.key, request.hash)
                kept = None if taken else await self._kept(connection, request)
                yield Attempt(connection, request, kept)

    @staticmethod
    async def _kept(connection: asyncpg.Connection, request: KeyedRequest) -> bytes:
        row = await connection.fetchrow(SQL["kept"], request.actor, request.key)
        if row is None or row["request_hash"] != request.hash:
            raise Refused(
                "This key came with another request before.",
                remedy="Give every request a key of its own; repeat a key only with the same request.",
                code="key_reused",
            )
        answer: bytes = row["answer"]
        return answer
