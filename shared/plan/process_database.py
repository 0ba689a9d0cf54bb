"""One DuckDB for a whole process, with a connection for each thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import duckdb

BREAKING = (duckdb.InternalException, duckdb.FatalException)
"""After one of these DuckDB refuses everything else that is asked of the same database."""


class ProcessDatabase:
    """Opens its database when it is first asked, and anew after an error that made it useless.

    Plans of many authors meet in it: none of them may break it for the others. `prepare` are statements that each
    connection begins with.
    """

    def __init__(self, open_: Callable[[], duckdb.DuckDBPyConnection], prepare: Sequence[str] = ()) -> None:
        self._open = open_
        self._prepare = tuple(prepare)
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._local = threading.local()

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """This thread's connection. Raises what DuckDB raises."""
        database = self._opened()
        try:
            yield self._own(database)
        except BREAKING:
            with self._lock:
                if self._database is database:
                    self._database = None
            raise

    def _opened(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._database is None:
                self._database = self._open()
            return self._database

    def _own(self, database: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        if getattr(self._local, "database", None) is not database:
            connection = database.cursor()
            for statement in self._prepare:
                connection.execute(statement)
            self._local.database, self._local.connection = database, connection
        own: duckdb.DuckDBPyConnection = self._local.connection
        return own
