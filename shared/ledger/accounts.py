"""Local accounts in the ledger. Whatever takes something from an account ends its sessions with it."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.identity.permissions import Role
from shared.ledger.revocations import Revocation
from shared.ledger.sessions import EndedBy, end_sessions
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "accounts.sql")
EMAIL = r"^[^@\s\x00-\x1f\x7f-\x9f]{1,64}@[^@\s\x00-\x1f\x7f-\x9f]{1,189}$(?!\n)"
"""What is taken for an e-mail: one @, no spaces, no control characters, no line's end."""
EMAIL_WORDS = "An address like ops@example.org: one @, no spaces, no control characters."


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account, without what is kept of its password."""

    id: UUID
    email: str
    role: Role
    disabled_at: datetime | None
    created_at: datetime
    changed_at: datetime
    last_sign_in_at: datetime | None


class AccountChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be changed; None leaves it as it is."""

    role: Role | None = None
    disabled: bool | None = None
    password_hash: str | None = None


class Accounts:
    """Accounts by id and e-mail, whose case does not matter. All raise DatabaseUnreachable.

    There is always an administrator who can sign in, once there was one.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, email: str, role: Role, password_hash: str) -> Account:
        """A new account. Raises Refused (`bad_email`, `name_taken`)."""
        if not re.fullmatch(EMAIL, email):
            raise Refused("That is no e-mail.", remedy="Give an address like ops@example.org.", code="bad_email")
        async with self._pool.acquire() as connection:
            try:
                return _account(await connection.fetchrow(SQL["insert"], email, role.value, password_hash))
            except asyncpg.UniqueViolationError as error:
                raise Refused(
                    "There is an account with this e-mail already.",
                    remedy="Change that one; enable it if it is disabled.",
                    code="name_taken",
                ) from error

    async def list(self) -> tuple[Account, ...]:
        """All accounts, by e-mail."""
        async with self._pool.acquire() as connection:
            return tuple(_account(row) for row in await connection.fetch(SQL["list"], None))

    async def get(self, account: UUID) -> Account:
        """One account. Raises Refused (`unknown_account`)."""
        async with self._pool.acquire() as connection:
            return await _get(connection, account)

    async def find(self, email: str) -> Account | None:
        """The account of an e-mail."""
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(SQL["list"], email)
            return None if row is None else _account(row)

    async def password_hash(self, account: UUID) -> str | None:
        """What is kept of a password, for the one place that verifies it; None without the account."""
        async with self._pool.acquire() as connection:
            found: str | None = await connection.fetchval(SQL["password_hash"], account)
            return found

    async def replace_hash(self, account: UUID, old: str, new: str) -> None:
        """Keep the same password by other parameters; does nothing where it was changed meanwhile."""
        async with self._pool.acquire() as connection:
            await connection.execute(SQL["replace_hash"], account, old, new)

    async def change(
        self, account: UUID, change: AccountChange, *, by: UUID | None = None
    ) -> tuple[Account, tuple[Revocation, ...]]:
        """Change an account; gives it and the revocations of its sessions, which the deny list is to be told of.

        Another role, a new password and being disabled end its sessions. Raises Refused: `unknown_account`, and
        `not_allowed` for the last enabled administrator and for somebody (`by`) who disables themselves.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL["lock"])
            before = await _get(connection, account)
            if change.disabled and account == by:
                raise _not_allowed("Nobody disables themselves.", "Ask another administrator.")
            loses_admin = change.disabled or (change.role is not None and change.role is not Role.ADMIN)
            is_admin = before.role is Role.ADMIN and before.disabled_at is None
            if is_admin and loses_admin and not await connection.fetchval(SQL["other_admins"], account):
                raise _not_allowed(
                    "This is the last administrator who can sign in.", "Make another account an administrator first."
                )
            word = None if change.role is None else change.role.value
            after = _account(
                await connection.fetchrow(SQL["change"], account, word, change.disabled, change.password_hash)
            )
            if not (change.disabled or change.password_hash or after.role is not before.role):
                return after, ()
            return after, await end_sessions(connection, account, EndedBy.ACCOUNT_CHANGED)


async def _get(connection: asyncpg.Connection, account: UUID) -> Account:
    row = await connection.fetchrow(SQL["get"], account)
    if row is None:
        raise Refused("There is no such account.", code="unknown_account")
    return _account(row)


def _account(row: asyncpg.Record) -> Account:
    return Account(**{**dict(row), "role": Role(row["role"])})


def _not_allowed(words: str, remedy: str) -> Refused:
    return Refused(words, remedy=remedy, code="not_allowed")
