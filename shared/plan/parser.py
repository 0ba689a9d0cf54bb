"""DuckDB's own parser: statements to trees and back, as JSON. Many at once cost little more than one."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from shared.plan.process_database import ProcessDatabase

SERIALIZE, PRINT = "json_serialize_sql", "json_deserialize_sql"


def serialized(statements: Sequence[str]) -> list[str]:
    """The trees of statements as JSON, in their order; what is wrong with a statement stands in its answer."""
    return _ask(SERIALIZE, statements)


def printed(documents: Sequence[str]) -> list[str]:
    """The statements of trees, in their order. Raises duckdb.Error if one of them is no tree."""
    return _ask(PRINT, documents)


def _ask(function: str, texts: Sequence[str]) -> list[str]:
    """All rows are fetched: an open result makes the connection's next call fail."""
    query = f"select {function}(?)" if len(texts) == 1 else f"select {function}(said) from (select unnest(?) as said)"  # noqa: S608 - one of two names
    argument: object = texts[0] if len(texts) == 1 else list(texts)
    with _database.connection() as connection:
        return [str(answer) for (answer,) in connection.execute(query, [argument]).fetchall()]


def _opened() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False})


_database = ProcessDatabase(_opened)
