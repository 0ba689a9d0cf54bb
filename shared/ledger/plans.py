"""Plans in the ledger: every text that ever ran, under its hash; a name's texts are its versions."""

from __future__ import annotations

from datetime import datetime

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "plans.sql")


class PlanVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a plan, by number."""

    version: int
    hash: str
    created_at: datetime


class StoredPlan(PlanVersion, frozen=True, kw_only=True):
    """A version with its files by name, as the author wrote them."""

    name: str
    files: dict[str, str]


class NewestPlan(PlanVersion, frozen=True, kw_only=True):
    """The newest version of a plan. `mapping_count` is None where nobody counted when it was kept."""

    name: str
    mapping_count: int | None


class PutPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a text: the version that it is, and whether it was not there before."""

    version: int
    created: bool


class Plans:
    """Plans by name and version. Raises DatabaseUnreachable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newest(self, *, after: str | None = None, limit: int) -> tuple[NewestPlan, ...]:
        """The newest version of plans, by name, from the one that follows the name `after`."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(SQL["newest"], after, limit)
        return tuple(msgspec.convert(dict(row), NewestPlan) for row in rows)

    async def read(self, name: str, version: int | None = None) -> StoredPlan:
        """One version, the newest unless told otherwise. Raises Refused `unknown_plan`."""
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(SQL["read"], name, version)
        if row is None:
            raise Refused("There is no such version of a plan.", code="unknown_plan")
        return _plan(row)

    async def versions(self, name: str, *, before: int | None = None, limit: int) -> tuple[PlanVersion, ...]:
        """Versions of a plan, the newest first, from the one below number `before`."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(SQL["versions"], name, before, limit)
        return tuple(msgspec.convert(dict(row), PlanVersion) for row in rows)

    async def put(
        self,
        *,
        name: str,
        hash: str,  # noqa: A002 - the plan's own word
        files: dict[str, str],
        mapping_count: int | None = None,
    ) -> PutPlan:
        """Keep a text under its hash: a new version, or the one that the same text was given before."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL["lock"], name)
            known: int | None = await connection.fetchval(SQL["known"], hash)
            if known is not None:
                return PutPlan(version=known, created=False)
            content = msgspec.json.encode(files).decode()
            made: int = await connection.fetchval(SQL["insert"], hash, name, content, mapping_count)
            return PutPlan(version=made, created=True)


def _plan(row: asyncpg.Record) -> StoredPlan:
    return msgspec.convert({**row, "files": msgspec.json.decode(row["files"])}, StoredPlan)
