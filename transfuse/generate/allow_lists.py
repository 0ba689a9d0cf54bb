"""Writes the two lists of functions that plans may call: DuckDB's from the pinned version, PostgreSQL's from a server.

`python -m transfuse.generate.allow_lists [postgresql://…]`; without a URL only DuckDB's list is written.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import asyncpg

from shared.plan import allow
from shared.postgres.sql_files import load_sql

FOLDER = Path(allow.__file__).parent


def write_duckdb() -> None:
    (FOLDER / "duckdb.txt").write_text("\n".join(sorted(allow.sound_duckdb_functions())) + "\n", encoding="utf-8")


async def write_postgres(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(load_sql("shared.plan.allow", "postgres.sql")["sound_functions"])
    finally:
        await connection.close()
    names = [row["proname"] for row in rows if allow.postgres_function_allowed(row["proname"])]
    (FOLDER / "postgres.txt").write_text("\n".join(names) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_duckdb()
    if len(sys.argv) > 1:
        asyncio.run(write_postgres(sys.argv[1]))
