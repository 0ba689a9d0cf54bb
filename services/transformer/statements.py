"""The statement of a mapping over the rows of a batch, on pinned DuckDB connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import duckdb
import msgspec
import polars as pl
import pyarrow as pa

from shared.core.errors import BatchError, RunError
from shared.plan.compiled import TransformProgram
from shared.plan.functions import install
from shared.plan.scratch import LOCKED, SESSION

ROW_ERRORS = (duckdb.DataError, duckdb.InvalidInputException)
"""What the values of a row can make a statement say; everything else is not a row's fault."""


class RunValues(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan's statements get from the run: its moment, and the namespace of its keys.

    With `comparing` filtered rows are told by their legacy keys, too.
    """

    namespace: UUID
    snapshot_at: datetime
    comparing: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the statement gave: `rows` for the source rows not in `failed`, in their order."""

    rows: pa.Table
    failed: tuple[int, ...]


class Statements:
    """Connections, each used by one batch at a time; the one used last is used next, so there are no more than needed.

    Closing ends them all: DuckDB keeps references to native functions until then.
    """

    def __init__(self) -> None:
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every connection; none may be in use."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def run(self, program: TransformProgram, source: pl.DataFrame, values: RunValues) -> Answer:
        """Run the statement; if some row makes it fail all the same, over halves, down to that row.

        Raises RunError where the statement itself is at fault, BatchError where memory runs out.
        """
        failed: list[int] = []
        with self._connection() as connection:
            connection.execute("set variable snapshot_at = $1::timestamptz", [values.snapshot_at])
            connection.execute("set variable namespace = $1::blob", [values.namespace.bytes])
            tables = _halved(connection, program.statement, source, 0, failed)
            rows = pa.concat_tables(tables) if tables else _query(connection, program.statement, source[:0])
        if rows.num_rows + len(failed) != source.height:
            raise RunError("the statement of a mapping does not give one row for each", code="rows_differ")
        return Answer(rows=rows, failed=tuple(failed))

    def keys(self, program: TransformProgram, source: pl.DataFrame) -> pa.Table:
        """`name` and `legacy` of source rows that the statement failed for."""
        with self._connection() as connection:
            return _query(connection, program.key_statement, source)

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one batch. One that met an error of DuckDB's own is not used again."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or open_connection()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)


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
