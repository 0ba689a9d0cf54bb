"""What an undo must know of a target table: how its rows are known, their types, and who refers to them."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg
import msgspec

from services.loader.drift import SQL as DRIFT
from services.loader.drift import gone
from services.loader.referrers import Referrer, referrers_of
from shared.core.errors import RunError
from shared.plan.compiled import CompiledPlan, LoadProgram
from shared.postgres.identifiers import Identifier, TableName
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader.undo", "undo.sql")


class UndoTable(msgspec.Struct, frozen=True, kw_only=True):
    """A target table. `types` are those of all its columns with their lengths; `unique` if the key is known once."""

    table: TableName
    key: str
    unique: bool
    types: dict[str, str]
    referrers: tuple[Referrer, ...] = ()

    @property
    def key_type(self) -> str:
        """The type of the key column."""
        return self.types[self.key]

    @property
    def known(self) -> str:
        """The condition that the row `t` has the key of `f`."""
        return SQL["identity"].format(key=Identifier(self.key), type_name=self.key_type)

    @property
    def identity(self) -> str:
        """The condition that the row `t` is the one that `f` means, where rows of others may have its key."""
        return self.known if self.unique else f"{self.known} {SQL['own']}"

    def type_of(self, column: str) -> str:
        """The type of a column. Raises SchemaDrifted where it is gone."""
        if column not in self.types:
            raise gone(f"{self.table}.{column}")
        return self.types[column]


async def read_table(
    connection: asyncpg.Connection, plan: CompiledPlan, table: TableName, key: str, *, unique: bool
) -> UndoTable:
    """Ask the catalogue. Raises SchemaDrifted where the table is gone, RunError where who refers to it is hidden."""
    rows = await connection.fetch(DRIFT["types"], table.schema, table.name)
    types = {row["name"]: row["type_name"] for row in rows}
    if key not in types:
        raise gone(f"{table}.{key}" if types else f"{table}")
    referrers = await referrers_of(connection, plan, table)
    return UndoTable(table=table, key=key, unique=unique, types=types, referrers=referrers)


def written_table(plan: CompiledPlan, mapping: str) -> tuple[TableName, str, bool]:
    """The table of a mapping, its key column and whether that is unique; also where only its placeholder was made.

    Raises RunError for a mapping that the plan does not know.
    """
    known = next((one for one in plan.mappings if one.name == mapping), None)
    if known is not None:
        return known.load.table, known.load.key_column, known.load.key_is_unique
    for program in _programs(plan):
        for placeholder in program.placeholders:
            if placeholder.mapping == mapping:
                return placeholder.table, placeholder.key_column, True
    raise RunError(f"The plan of the run has no mapping {mapping}.", code="unknown_mapping")


def _programs(plan: CompiledPlan) -> Iterable[LoadProgram]:
    for mapping in plan.mappings:
        yield mapping.load
        if mapping.second is not None:
            yield mapping.second.load
