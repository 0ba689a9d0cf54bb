"""Whether a target table is still what the plan was compiled against: COPY takes bytes of another type silently."""

from __future__ import annotations

import asyncpg

from shared.core.errors import SchemaDrifted
from shared.plan.compiled import CompiledMapping
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "shape.sql")


async def check_target(connection: asyncpg.Connection, mapping: CompiledMapping) -> None:
    """Raise SchemaDrifted with the difference. Asked after rows are written: from then on the table is locked."""
    table = mapping.load.table
    rows = await connection.fetch(SQL["types"], table.schema, table.name)
    found = {row["name"]: row for row in rows}
    if not found:
        raise gone(f"{table}")
    compiled = {column.name: column for column in mapping.transform.target_columns}
    changed = []
    for name in mapping.load.columns:
        was, now = compiled.get(name), found.get(name)
        if now is None:
            changed.append(f"target {table}.{name} (is gone)")
        elif was is not None and was.oid != now["oid"]:
            changed.append(f"target {table}.{name} (was {was.type_name}, is {now['type_name']})")
    if changed:
        raise SchemaDrifted(f"changed since the run was planned: {', '.join(changed)}")


def gone(what: str) -> SchemaDrifted:
    """The error for a table or column that is not there any more."""
    return SchemaDrifted(f"changed since the run was planned: target {what} (is gone)")
