"""A ledger that has seen years: 10,000 runs, a million batches; made once, copied for each measurement."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import asyncpg
import msgspec

from shared.ledger.migrate import known_migrations, migrate
from shared.plan.reader import read_plan
from shared.postgres.sql_files import load_sql
from tests.harness.databases import filled
from tests.harness.portal import PLAN

SQL = load_sql("bench", "ledger_of_years.sql")
PREFIX = "transfuse_bench_ledger_"
STEPS = ("migrations", "runs", "preflights", "mappings", "batches", "quarantine", "events", "audit")


async def ledger_of_years(server: str) -> str:
    """Name of the database, kept in the server for the next time: one per version of the ledger and of its filling."""
    digest = hashlib.sha256(Path(__file__).with_suffix(".sql").read_bytes())
    for migration in known_migrations():
        digest.update(migration.checksum.encode())
    name = f"{PREFIX}{digest.hexdigest()[:8]}"
    await _drop_others(server, name)
    print(f"ledger:  database {name}, filled if it is not there", flush=True)
    await filled(server, name, _fill)
    return name


async def freshen(url: str) -> None:
    """Bring the active runs of a copy to this moment, and tell what there is."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SQL["freshen"])
        await connection.execute(SQL["tidy"])
        found = await connection.fetchrow(SQL["counts"])
    finally:
        await connection.close()
    counted = f"{found['runs']:,} runs, {found['batches']:,} batches, {found['refused']:,} refused rows"
    print(f"         {counted}, {found['audited']:,} audit entries, {found['bytes'] / 2**20:,.0f} MiB", flush=True)


async def _drop_others(server: str, name: str) -> None:
    """Drop what earlier versions filled, unless somebody uses it."""
    connection = await asyncpg.connect(server)
    try:
        rows = await connection.fetch(
            "select datname from pg_database where starts_with(datname, $1) and datname <> $2", PREFIX, name
        )
        for row in rows:
            with suppress(asyncpg.ObjectInUseError):
                await connection.execute(f'drop database if exists "{row["datname"]}"')
    finally:
        await connection.close()


async def _fill(url: str) -> None:
    plan = read_plan(PLAN)
    connection = await asyncpg.connect(url)
    try:
        await migrate(connection)
        await connection.execute(SQL["unchecked"])
        files = msgspec.json.encode(plan.files).decode()
        await connection.execute(SQL["plan"], plan.hash, plan.name, files)
        for step in STEPS:
            argument = {"migrations": (plan.name,), "runs": (plan.hash,), "preflights": (plan.hash,)}.get(step, ())
            await connection.execute(SQL[step], *argument)
        await connection.execute(SQL["tidy"])
    finally:
        await connection.close()
