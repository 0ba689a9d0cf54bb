"""What a run was made with, and who did what to it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from shared.core.errors import Refused
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "provenance.sql")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asked for a pause, a resume or a cancel."""

    at: datetime
    actor: str
    verb: str


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the audit that names the run."""

    at: datetime
    actor: str
    action: str
    outcome: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Versions and times of one run; the first 100 verbs, and the first 200 entries of the audit about it."""

    transfuse_version: str
    duckdb_version: str
    plan_hash: str
    snapshot_at: datetime | None
    preflight_at: datetime | None
    asked: tuple[Asked, ...] = ()
    audited: tuple[Audited, ...] = ()


class Provenances:
    """Reads where runs come from. Raises Refused `unknown_run`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, run: UUID) -> Provenance:
        """One run."""
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(SQL["provenance"], run)
            if row is None:
                raise Refused(
                    f"There is no run {run}.", remedy="List the runs to see those there are.", code="unknown_run"
                )
            asked = await connection.fetch(SQL["asked"], run)
            audited = await connection.fetch(SQL["audited"], run)
        return msgspec.convert(
            {**row, "asked": [dict(verb) for verb in asked], "audited": [dict(entry) for entry in audited]}, Provenance
        )
