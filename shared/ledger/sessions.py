"""Sessions of local accounts: a refresh token is good for one use, and each use gives the next."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg
import msgspec

from shared.identity.permissions import Role
from shared.ledger.revocations import Revocation, revocation_of
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql
from shared.settings.secret import Secret

SQL = load_sql("shared.ledger", "sessions.sql")

IDLE_SECONDS = 30 * 60
"""A session that is not prolonged for so long has ended."""
LONGEST_SECONDS = 12 * 3600
"""However much it is used."""
REVOKED_SECONDS = 15 * 60
"""How long an ended session stays on the deny list: no access token of it lives longer."""
_TOKEN_BYTES = 32


class EndedBy(StrEnum):
    """What ended a session before its time."""

    SIGNED_OUT = "signed_out"
    REUSED = "reused"
    ACCOUNT_CHANGED = "account_changed"


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it is now: `refresh_token` prolongs it once, until `ends_at` at the latest."""

    id: UUID
    account: UUID
    refresh_token: Secret
    ends_at: datetime


class Sessions:
    """Sessions. Tokens are kept as their SHA-256: they are random, so nothing slower is needed.

    Revocations that methods give are in the ledger already; the deny list is to be told of them. All raise
    DatabaseUnreachable.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open(self, account: UUID, *, role: Role, password_hash: str) -> OpenSession | None:
        """A new session for a verified password.

        None where the account is disabled, or has another role or password by now: verifying took a while.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL["forget"])
            row = await connection.fetchrow(SQL["open"], account, float(LONGEST_SECONDS), role.value, password_hash)
            if row is None:
                return None
            await connection.execute(SQL["signed_in"], account)
            token = await _add_token(connection, row["id"])
            return OpenSession(id=row["id"], account=account, refresh_token=token, ends_at=row["ends_at"])

    async def prolong(self, token: str) -> tuple[OpenSession | None, tuple[Revocation, ...]]:
        """The session with its next token; None where it has ended or the token is not known.

        A token that was used before is in two hands: its whole session ends.
        """
        digest = _digest(token)
        async with self._pool.acquire() as connection, connection.transaction():
            session = await connection.fetchval(SQL["use_token"], digest)
            if session is None:
                known = await connection.fetchval(SQL["session_of_token"], digest)
                return None, () if known is None else await _end(connection, known, EndedBy.REUSED)
            row = await connection.fetchrow(SQL["lively"], session, float(IDLE_SECONDS))
            if row is None:
                return None, ()
            await connection.execute(SQL["used"], session)
            following = await _add_token(connection, session)
            found = OpenSession(id=session, account=row["account_id"], refresh_token=following, ends_at=row["ends_at"])
            return found, ()

    async def end(self, session: UUID) -> tuple[Revocation, ...]:
        """Sign one session out. Idempotent."""
        async with self._pool.acquire() as connection:
            return await _end(connection, session, EndedBy.SIGNED_OUT)

    async def end_all(self, account: UUID) -> tuple[Revocation, ...]:
        """Sign an account out everywhere. Idempotent."""
        async with self._pool.acquire() as connection:
            return await end_sessions(connection, account, EndedBy.SIGNED_OUT)

    async def of_token(self, token: str) -> tuple[UUID, UUID] | None:
        """The session and the account of a refresh token, used or not; None for one that is not known."""
        async with self._pool.acquire() as connection:
            session = await connection.fetchval(SQL["session_of_token"], _digest(token))
            if session is None:
                return None
            return session, await connection.fetchval(SQL["account_of"], session)


async def end_sessions(connection: asyncpg.Connection, account: UUID, by: EndedBy) -> tuple[Revocation, ...]:
    """End all sessions of an account, in the caller's transaction."""
    rows = await connection.fetch(SQL["end_all"], account, by.value, float(REVOKED_SECONDS))
    return tuple(revocation_of(row) for row in rows)


async def _end(connection: asyncpg.Connection, session: UUID, by: EndedBy) -> tuple[Revocation, ...]:
    rows = await connection.fetch(SQL["end_one"], session, by.value, float(REVOKED_SECONDS))
    return tuple(revocation_of(row) for row in rows)


async def _add_token(connection: asyncpg.Connection, session: UUID) -> Secret:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    await connection.execute(SQL["add_token"], _digest(token), session)
    return Secret(token)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
