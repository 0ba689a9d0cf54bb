"""Revocations in the ledger: sessions, and subjects up to a time, whose tokens are refused."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "revocations.sql")


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """Either a `session`, or a `subject` with the `cutoff` up to which its tokens were issued."""

    session: str | None = None
    subject: UUID | None = None
    cutoff: datetime | None = None


class Revocations:
    """The durable deny list. Adding is done when the method returns. All raise DatabaseUnreachable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def installation(self) -> UUID:
        """What tells this ledger from every other one."""
        async with self._pool.acquire() as connection:
            found: UUID = await connection.fetchval(SQL["installation"])
            return found

    async def holds(self, session: str, subject: UUID, issued_at: datetime) -> bool:
        """Whether a token is refused; one indexed query."""
        async with self._pool.acquire() as connection:
            found: bool = await connection.fetchval(SQL["holds"], session, subject, issued_at)
            return found

    async def current(self) -> list[Revocation]:
        """All that have not expired."""
        async with self._pool.acquire() as connection:
            return [revocation_of(row) for row in await connection.fetch(SQL["current"])]

    async def add_session(self, session: str, expires_at: datetime) -> Revocation:
        """Refuse the tokens of one sign-in until `expires_at`."""
        async with self._pool.acquire() as connection:
            return revocation_of(await connection.fetchrow(SQL["add_session"], session, expires_at))

    async def add_subject(self, subject: UUID, expires_at: datetime) -> Revocation:
        """Refuse the tokens that a subject was given up to now, until `expires_at`."""
        async with self._pool.acquire() as connection:
            return revocation_of(await connection.fetchrow(SQL["add_subject"], subject, expires_at))


def revocation_of(row: asyncpg.Record) -> Revocation:
    """A row of the table."""
    return Revocation(session=row["session"], subject=row["subject"], cutoff=row["cutoff"])
