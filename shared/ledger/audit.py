"""The audit: who did what, appended only, each entry chained to the one before it by its hash.

How the chain is made and verified is told in `shared/ledger/audit_chain.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import asyncpg
import msgspec

from shared.ledger.audit_chain import RecordedEntry, Verification, verify
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "audit.sql")

Value = str | int | bool | Sequence[str] | None
Detail = Mapping[str, Value]
"""Names and counts of an entry, never a value of a row."""


class Outcome(StrEnum):
    """What came of an action. `BEGUN` is written before an action that must not happen unrecorded."""

    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be recorded. `role` is the actor's at the time; `object_id` an id or a name; all may be empty."""

    actor: str
    role: str = ""
    action: str
    object_kind: str = ""
    object_id: str = ""
    outcome: Outcome = Outcome.DONE
    address: str = ""
    request_id: str = ""
    detail: Detail = {}


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted; None is all. `since` is inclusive, `until` is not.

    `actor` is the name at the time, `subject` the id of the person behind it.
    """

    actor: str | None = None
    subject: str | None = None
    action: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Audit:
    """The audit in the ledger. Raises WorldError where the ledger does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def append(self, entry: AuditEntry) -> int:
        """Record an entry in a transaction of its own; durable when it returns. Gives its number."""
        async with self._pool.acquire() as connection:
            return await append(connection, entry)

    async def list(
        self, wanted: AuditFilter, *, before: int | None = None, limit: int = 50
    ) -> tuple[RecordedEntry, ...]:
        """Entries, youngest first; `before` is the number of the last one of the page before."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                SQL["entries"],
                wanted.actor,
                wanted.action,
                wanted.object_id,
                wanted.since,
                wanted.until,
                before,
                limit,
                wanted.subject,
            )
        return tuple(RecordedEntry(**dict(row)) for row in rows)

    async def verify(
        self, expected: tuple[int, str] | None = None, *, after: tuple[int, str] | None = None
    ) -> Verification:
        """Recompute the chain; `expected` is a head that was kept elsewhere, `after` one up to which it is known whole.

        Reads page by page: it may take seconds, no statement of it does.
        """
        async with self._pool.acquire() as connection:
            return await verify(connection, expected=expected, after=after)


async def append(connection: asyncpg.Connection, entry: AuditEntry) -> int:
    """Record an entry in the caller's transaction, as its last statement: every other writer of the audit waits."""
    number: int = await connection.fetchval(
        SQL["append"],
        *(_text(field) for field in (entry.actor, entry.role, entry.action, entry.object_kind, entry.object_id)),
        entry.outcome.value,
        *(_text(field) for field in (entry.address, entry.request_id)),
        msgspec.json.encode({_text(name): _plain(value) for name, value in entry.detail.items()}).decode(),
    )
    return number


def _text(given: str) -> str:
    """A text as PostgreSQL takes it: without NUL and lone surrogates, which only forged requests have."""
    return given.replace("\0", "").encode("utf-8", "replace").decode()


def _plain(value: Value) -> Value:
    if isinstance(value, str):
        return _text(value)
    return [_text(word) for word in value] if isinstance(value, Sequence) else value
