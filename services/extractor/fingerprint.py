"""What a run's tables are made of, kept with its snapshot, so that a change while it goes on is seen and named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import asyncpg
import msgspec

from shared.core.errors import SchemaDrifted, SnapshotLost
from shared.plan.compiled import CompiledMapping, CompiledPlan, SourceProgram
from shared.postgres.catalog import Catalog, Column, Table
from shared.postgres.identifiers import TableName
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.extractor", "fingerprint.sql")
MOST_NAMED = 10
"""Differences that a message names; the others it counts."""
GONE = "gone"
UNIQUE = " unique ("


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """`shape`: what the plan was compiled against, by name. `places`: where a snapshot's rows lie, by table.

    The shape of a run never changes. Places are true for one snapshot: a table that is rewritten under it (TRUNCATE,
    ALTER TABLE) looks empty to it, and a column that was dropped and made anew has its name and other values.
    """

    shape: dict[str, str] = {}
    places: dict[str, dict[str, str]] = {}

    @classmethod
    def from_text(cls, text: str | None) -> Fingerprint:
        """What `text` gave; an empty one for a run that has none."""
        return msgspec.json.decode(text or "{}", type=cls)

    @property
    def text(self) -> str:
        """As the ledger keeps it."""
        return msgspec.json.encode(self).decode()


def shape_of(plan: CompiledPlan, source: Catalog, target: Catalog) -> dict[str, str]:
    """What the plan relies on in both databases: the columns it uses, and what decides about rows of the target.

    Estimates and triggers are left out: the loader itself switches triggers off and on.
    """
    shape: dict[str, str] = {}
    for program in _programs(plan):
        for table in program.tables:
            shape |= _source_shape(table, source.tables.get(table.name), program)
    for mapping in plan.mappings:
        shape |= _target_shape(mapping, target.tables.get(mapping.load.table.name))
    return dict(sorted(shape.items()))


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The names in which two shapes differ, each with what it was and is. Another unique key of a source is none."""
    found = before.keys() | {name for name in after if not (name.startswith("source ") and UNIQUE in name)}
    names = sorted(name for name in found if before.get(name) != after.get(name))
    return tuple(f"{name} ({_change(before.get(name), after.get(name))})" for name in names)


def drifted(found: Iterable[str]) -> SchemaDrifted:
    """The error for some differences."""
    names = list(found)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return SchemaDrifted(f"changed since the run was planned: {', '.join(names[:MOST_NAMED])}{more}")


async def read_places(connection: asyncpg.Connection, tables: Iterable[TableName]) -> dict[str, dict[str, str]]:
    """By table the files that its rows lie in, its children's too, and what its columns are.

    As the connection's transaction sees the catalogue: under a snapshot those of its moment, else those of now.
    """
    wanted = sorted(set(tables))
    names = [table.schema for table in wanted], [table.name for table in wanted]
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for statement in ("files", "columns"):
        for row in await connection.fetch(SQL[statement], *names):
            places[row["table_name"]][row["name"]] = row["place"]
    return dict(places)


def check_places(
    source: SourceProgram, before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> None:
    """Raise SchemaDrifted or SnapshotLost unless what was just read is what the snapshot shows.

    `after` was read after the rows: a table that is then where it was has not moved in between. Children and columns
    that are new matter to content keys alone.
    """
    changed: list[str] = []
    rewritten: list[str] = []
    for table in map(str, source.tables):
        known, found = before.get(table, {}), after.get(table, {})
        for name in sorted(_watched(source, table, known, found)):
            old, new = known.get(name), found.get(name)
            if old == new:
                continue
            if old is not None and new is not None and _is_file(old):
                rewritten.append(name)
            else:
                changed.append(f"source {name} ({_change(_type(old), _type(new))})")
    if changed:
        raise drifted(changed)
    if rewritten:
        raise SnapshotLost(
            f"rewritten while the run goes on, so that its snapshot may see no rows: {', '.join(rewritten)}"
        )


def _programs(plan: CompiledPlan) -> Iterator[SourceProgram]:
    for mapping in plan.mappings:
        yield mapping.source
        if mapping.second is not None:
            yield mapping.second.source


def _source_shape(name: TableName, table: Table | None, program: SourceProgram) -> dict[str, str]:
    label = f"source {name}"
    if table is None:
        return {label: GONE}
    used = None if program.content_key else program.read_columns.get(str(name), ())
    shape = {label: _kind(table)}
    shape |= {f"{label}.{one.name}": _column(one) for one in table.columns if used is None or one.name in used}
    if program.unique_proven:
        shape |= {f"{label}{UNIQUE}{', '.join(key.columns)})": "there" for key in table.keys if not key.partial}
    return shape


def _target_shape(mapping: CompiledMapping, table: Table | None) -> dict[str, str]:
    label = f"target {mapping.load.table}"
    if table is None:
        return {label: GONE}
    written = {*mapping.load.columns, *(mapping.second.load.columns if mapping.second is not None else ())}
    shape = {label: _kind(table) + (", row security" if table.row_security else "")}
    for one in table.columns:
        if one.name in written or (one.not_null and not one.has_default and not one.generated):
            shape[f"{label}.{one.name}"] = _column(one)
    shape |= {f"{label} unique {key.name}": ", ".join(key.columns) for key in table.keys}
    shape |= {
        f"{label} foreign key {key.name}": f"{', '.join(key.columns)} to {key.table} ({', '.join(key.referenced)})"
        for key in table.foreign_keys
    }
    return shape


def _kind(table: Table) -> str:
    return {"v": "view", "m": "materialized view", "f": "foreign table"}.get(table.kind, "table")


def _column(column: Column) -> str:
    kind = column.type
    rests = f" over {kind.base_name}" if kind.base_name else ""
    labels = f" of {len(kind.labels)} labels" if kind.labels else ""
    generated = " generated" if column.generated else ""
    return f"{kind.name}{rests}{labels}{' not null' if column.not_null else ''}{generated}"


def _watched(source: SourceProgram, table: str, known: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    used = {f"{table}.{column}" for column in source.read_columns.get(table, ())}
    for name in known.keys() | found.keys():
        place = known.get(name, found.get(name, ""))
        if name in known if _is_file(place) else source.content_key or name in used:
            yield name


def _is_file(place: str) -> bool:
    return place.startswith("file ")


def _type(place: str | None) -> str | None:
    """The type in a column's place, which begins with its number in the table; of a table that it is one."""
    if place is None:
        return None
    return "table" if _is_file(place) else place.partition(" ")[2]


def _change(old: str | None, new: str | None) -> str:
    if new in {None, GONE}:
        return f"was {old}, is {GONE}"
    if old in {None, GONE}:
        return f"is new: {new}"
    return "was made anew" if old == new else f"was {old}, is {new}"
