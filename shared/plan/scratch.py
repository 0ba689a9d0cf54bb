"""A DuckDB without rows, in which the expressions of a plan are tried before a row moves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress

import duckdb

from shared.plan.functions import install
from shared.plan.process_database import ProcessDatabase
from shared.plan.remembered import Remembered
from shared.postgres.identifiers import Identifier

SESSION = (
    "set TimeZone = 'UTC'",
    "set Calendar = 'gregorian'",
    "set ieee_floating_point_ops = false",
    "set preserve_insertion_order = true",
    # A part shared by two expressions would be computed outside the TRY that guards it in one of them.
    "set disabled_optimizers = 'common_subexpressions'",
)
"""What every connection that compiles or runs a plan has set: the same text must mean the same everywhere."""
LOCKED = (
    "set memory_limit = '256MB'",
    "set temp_directory = ''",
    "set enable_external_access = false",
    "set lock_configuration = true",
)
"""What is set last in every database that meets a plan's expressions: no file, no network, no other settings."""
VARIABLES = (
    "set variable snapshot_at = timestamptz '2000-01-01 00:00:00+00'",
    "set variable namespace = from_hex('00')",
)
HIDDEN_PREFIXES = "chknrtvw"
"""First letters of hidden columns' names, before a number."""
HIDDEN = re.compile(rf"[{HIDDEN_PREFIXES}][0-9]+")
NAMES = re.compile(
    rf"""'(?:[^']|'')*'|(?<![\w.$"])(?P<quote>"?)(?P<name>{HIDDEN.pattern})(?P=quote)(?![\w"]|\s*:)|"(?:[^"]|"")*\""""
)
"""Hidden columns in SQL; what stands in a text, the fields of a struct and the names of arguments are none."""


MOST_REMEMBERED = 4 * 1024 * 1024
"""Characters of the expressions whose types are remembered."""
_types: Remembered[str] = Remembered(MOST_REMEMBERED)


def type_of(sql: str, columns: Mapping[str, str]) -> str:
    """DuckDB's type of an expression over columns of given types. Raises duckdb.Error if it does not bind.

    The same expression over columns of the same types, whatever their names, is asked for once.
    """
    form = NAMES.sub(lambda found: f"\0{columns.get(found['name'], '')}\0" if found["name"] else found[0], sql)
    known = _types.get(form)
    return _remember(form, _described(sql, columns)) if known is None else known


def type_all(constants: Iterable[str]) -> None:
    """Ask for the types of many constants in one go, for `type_of` to know. What fails is left to it."""
    unknown = [sql for sql in dict.fromkeys(constants) if _types.get(sql) is None]
    listed = ", ".join(f"{sql} as x{number}" for number, sql in enumerate(unknown))
    with suppress(duckdb.Error):
        rows = _fetched(f"describe select {listed}") if unknown else []
        for sql, (_, kind, *_) in zip(unknown, rows, strict=True):
            _remember(sql, str(kind))


def run(table: str, columns: Mapping[str, str], statement: str) -> None:
    """Run a statement over one row of NULLs in a table: what only shows when it runs. Raises duckdb.Error."""
    listed = ", ".join(f"{Identifier(name)} {kind}" for name, kind in columns.items())
    with _database.connection() as connection:
        connection.execute(f"create or replace temp table {Identifier(table)} ({listed})")
        connection.execute(f"insert into {Identifier(table)} default values")
        # As Arrow, like the transformer: as Python values a moment would need pytz, which nobody else does.
        connection.sql(statement).to_arrow_table()


def holds(condition: str, value: str) -> bool:
    """Whether a condition on `x` is true of an expression without columns. Raises duckdb.Error."""
    return _fetched(f"select {condition} from (select {value} as x)") == [(True,)]  # noqa: S608 - the same


def _described(sql: str, columns: Mapping[str, str]) -> str:
    named = {found["name"] for found in NAMES.finditer(sql)}
    read = {name: kind for name, kind in columns.items() if name in named}
    try:
        rows = _fetched(f"describe select {sql} as x from {_nulls(read)}")  # noqa: S608 - composed of quoted names and checked expressions
    except duckdb.Error:
        # The message may name what is there instead of a column.
        rows = _fetched(f"describe select {sql} as x from {_nulls(columns)}")  # noqa: S608 - the same
    return str(rows[0][1])


def _fetched(query: str) -> list[tuple[object, ...]]:
    with _database.connection() as connection:
        return connection.execute(query).fetchall()


def _remember(form: str, kind: str) -> str:
    return _types.keep(form, "INTEGER" if kind == '"NULL"' else kind, len(form))


def _nulls(columns: Mapping[str, str]) -> str:
    """A table of one row of NULLs."""
    listed = ", ".join(f"cast(null as {kind}) as {Identifier(name)}" for name, kind in columns.items())
    return f"(select {listed or 'null'}) as shape"


def _opened() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(config={"threads": 1})
    for setting in SESSION:
        # For every connection to come: none can set anything once the configuration is locked.
        database.execute(setting.replace("set ", "set global ", 1))
    install(database)
    for setting in LOCKED:
        database.execute(setting)
    return database


_database = ProcessDatabase(_opened, VARIABLES)
