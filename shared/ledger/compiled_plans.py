"""What the transformer reads of the ledger: the compiled plan of a run, its moment and its key."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import RunError
from shared.core.versions import Versions, check_versions
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.plan.compiled import CompiledPlan, decode_compiled
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "compiled_plans.sql")


class RunPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A run as its transformer needs it. `snapshot_at` is the run's now."""

    compiled: CompiledPlan
    snapshot_at: datetime
    key: RunKey


async def read_run_plan(connection: asyncpg.Connection, run: UUID, keyring: Keyring, versions: Versions) -> RunPlan:
    """The plan of a planned run, for a transformer of those versions.

    Raises RunError if the run is not planned, VersionDiffers, KeyNotListed, SealBroken.
    """
    row = await connection.fetchrow(SQL["compiled"], run)
    if row is None or row["compiled"] is None or row["snapshot_at"] is None:
        raise RunError("the run has no compiled plan", code="not_planned")
    pinned = Versions(transfuse=row["transfuse_version"], duckdb=row["duckdb_version"] or "")
    check_versions("transformer", versions, pinned)
    try:
        compiled = decode_compiled(row["compiled"])
    except msgspec.MsgspecError as error:
        raise RunError("the run's plan was compiled by another version", code="version_differs") from error
    return RunPlan(
        compiled=compiled,
        snapshot_at=row["snapshot_at"],
        key=RunKey(keyring.unwrap(row["wrapped"], run)),
    )
