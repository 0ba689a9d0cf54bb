"""The tables whose rows refer to those of another: what must be asked before one of these is deleted."""

from __future__ import annotations

import asyncpg
import msgspec

from shared.core.errors import RunError
from shared.plan.compiled import CompiledPlan
from shared.postgres.identifiers import Identifier, TableName
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "referrers.sql")


class Referrer(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of a table that hold what identifies a row of another one."""

    table: TableName
    columns: tuple[str, ...]
    referenced: tuple[str, ...]

    @property
    def name(self) -> str:
        """As a warning names it."""
        return f"{self.table.name}.{', '.join(self.columns)}"

    @property
    def match(self) -> str:
        """SQL: the row `r` refers to the row `t`."""
        pairs = zip(self.columns, self.referenced, strict=True)
        return " and ".join(
            SQL["match"].format(column=Identifier(column), referenced=Identifier(referenced))
            for column, referenced in pairs
        )


async def referrers_of(connection: asyncpg.Connection, plan: CompiledPlan, table: TableName) -> tuple[Referrer, ...]:
    """Every foreign key of the target to a table, and every reference of the plan that the target does not enforce.

    Raises RunError where rows that refer to it cannot be seen: deleting would be guessing.
    """
    found: dict[tuple[TableName, tuple[str, ...]], Referrer] = {}
    for row in await connection.fetch(SQL["enforced"], table.schema, table.name):
        referring = TableName(schema=row["schema"], name=row["name"])
        if not row["readable"]:
            raise RunError(
                f"Rows of {referring} refer to {table}, and the loader may not read them.",
                code="referrers_hidden",
                remedy=f"Let the loader read all of {referring} (SELECT, and a policy), or write gone: ignore.",
            )
        columns = tuple(row["columns"])
        found[referring, columns] = Referrer(table=referring, columns=columns, referenced=tuple(row["referenced"]))
    for mapping in plan.mappings:
        if mapping.load.table == table:
            for known in mapping.load.referrers:
                one = Referrer(table=known.table, columns=(known.column,), referenced=(known.referenced_column,))
                found.setdefault((one.table, one.columns), one)
        programs = (mapping.load, *(() if mapping.second is None else (mapping.second.load,)))
        for program in programs:
            for reference in program.references:
                if reference.table == table and reference.column in program.columns:
                    columns = (reference.column,)
                    one = Referrer(table=program.table, columns=columns, referenced=(reference.referenced_column,))
                    found.setdefault((program.table, columns), one)
    return tuple(found.values())
