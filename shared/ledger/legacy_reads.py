"""What the audit keeps of every reading of legacy data: one entry per run and mapping, names and counts."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import asyncpg

from shared.ledger.audit import AuditEntry, append
from shared.plan.compiled import CompiledMapping, CompiledPlan
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "audit.sql")
ACTION = "legacy.read"


async def record_legacy_reads(
    connection: asyncpg.Connection, run: UUID, plan: CompiledPlan, row_counts: Mapping[str, int]
) -> None:
    """Record what a planned run is about to read, in the caller's transaction, as the last of it.

    `row_counts` are the rows of each mapping's FROM result. The actor is who started the run. A run that is planned
    again under a new snapshot reads the rows that are still open again: the entries of its first planning stand for it.
    """
    actor: str = await connection.fetchval(SQL["actor_of_run"], run)
    for mapping in plan.mappings:
        if mapping.name in row_counts:
            await append(connection, _entry(actor, run, mapping, row_counts[mapping.name]))


def _entry(actor: str, run: UUID, mapping: CompiledMapping, row_count: int) -> AuditEntry:
    columns = mapping.source.read_columns
    return AuditEntry(
        actor=actor,
        action=ACTION,
        object_kind="run",
        object_id=str(run),
        detail={
            "mapping": mapping.name,
            "tables": sorted({str(table) for table in (mapping.source.driving, *mapping.source.tables)}),
            "columns": [f"{table}.{column}" for table in sorted(columns) for column in columns[table]],
            "rowCount": row_count,
        },
    )
