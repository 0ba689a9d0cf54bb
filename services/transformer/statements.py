"""The statement of a mapping over the rows of a batch, on one pinned DuckDB connection per worker thread."""

from __future__ import annotations

import threading
from datetime import datetime
from uuid import UUID

import duckdb
import msgspec
import polars as pl
import pyarrow as pa

from shared.core.errors import BatchError, RunError
from shared.plan.compiled import TransformProgram
from shared.plan.functions import install
from shared.plan.layers import SESSION

MEMORY_LIMIT = "256MB"
LOCKED = (
    f"set memory_limit = '{MEMORY_LIMIT}'",
    "set temp_directory = ''",
    "set enable_external_access = false",
    "set lock_configuration = true",
)
ROW_ERRORS = (duckdb.DataError, duckdb.InvalidInputException)
"""What the values of a row can make a statement say; everything else is not a row's fault."""


class RunValues(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan's statements get from the run: its moment, and the namespace of its keys."""

    namespace: UUID
    snapshot_at: datetime


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the statement gave: `rows` for the source rows not in `failed`, in their order."""

    rows: pa.Table
    failed: tuple[int, ...]


class Statements:
    """Connections by thread. Closing ends them all: DuckDB keeps references to native functions until then."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._all: list[duckdb.DuckDBPyConnection] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every connection; none may be in use."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()

    def run(self, program: TransformProgram, source: pl.DataFrame, values: RunValues) -> Answer:
        """Run the statement; if some row makes it fail all the same, over halves, down to that row.

        Raises RunError where the statement itself is at fault, BatchError where memory runs out.
        """
        connection = self._connection()
        connection.execute("set variable snapshot_at = $1::timestamptz", [values.snapshot_at])
        connection.execute("set variable namespace = $1::blob", [values.namespace.bytes])
        failed: list[int] = []
        tables = _halved(connection, program.statement, source, 0, failed)
        rows = pa.concat_tables(tables) if tables else _nothing(connection, program.statement, source)
        if rows.num_rows + len(failed) != source.height:
            raise RunError("the statement of a mapping does not give one row for each", code="rows_differ")
        return Answer(rows=rows, failed=tuple(failed))

    def keys(self, program: TransformProgram, source: pl.DataFrame) -> pa.Table:
        """`name` and `legacy` of source rows that the statement failed for."""
        return _query(self._connection(), program.key_statement, source)

    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection: duckdb.DuckDBPyConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_connection()
            with self._lock:
                self._all.append(connection)
        return connection


def open_connection() -> duckdb.DuckDBPyConnection:
    """One thread, no file, no network, no settings to change."""
    connection = duckdb.connect(config={"threads": 1})
    for setting in SESSION:
        connection.execute(setting)
    install(connection)
    for setting in LOCKED:
        connection.execute(setting)
    return connection


def _halved(
    connection: duckdb.DuckDBPyConnection, statement: str, source: pl.DataFrame, first: int, failed: list[int]
) -> list[pa.Table]:
    try:
        return [_query(connection, statement, source)] if source.height else []
    except ROW_ERRORS:
        if source.height == 1:
            failed.append(first)
            return []
    middle = source.height // 2
    return _halved(connection, statement, source[:middle], first, failed) + _halved(
        connection, statement, source[middle:], first + middle, failed
    )


def _nothing(connection: duckdb.DuckDBPyConnection, statement: str, source: pl.DataFrame) -> pa.Table:
    return _query(connection, statement, source[:0])


def _query(connection: duckdb.DuckDBPyConnection, statement: str, source: pl.DataFrame) -> pa.Table:
    """All rows of a statement over `source`: a result that is not drained would make the next call fail."""
    connection.register("source", source.to_arrow(compat_level=pl.CompatLevel.newest()))
    try:
        return connection.sql(statement).to_arrow_table()
    except ROW_ERRORS:
        raise
    except duckdb.OutOfMemoryException as error:
        raise BatchError("a batch does not fit into the transformer's memory", code="memory") from error
    except duckdb.Error as error:
        raise RunError("DuckDB does not run the statement of a mapping", code="statement") from error
    finally:
        connection.unregister("source")
