"""The generated portal as a legacy database, its target, and its plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from shared.plan.from_clause import read_from
from shared.plan.model import Plan
from shared.plan.reader import read_plan
from shared.postgres.identifiers import TableName
from shared.postgres.table_hash import HashedTable, TargetHash, hash_tables
from tests.harness.databases import PREFIX, allow_reading, filled, url_of
from tests.harness.installation import ROOT
from transfuse.samples.portal.generate import generate
from transfuse.samples.portal.target import create_target

PLAN = ROOT / "plans" / "portal"
SEED = 7
TARGET = f"{PREFIX}portal_target"


class Portal(msgspec.Struct, frozen=True, kw_only=True):
    """A filled legacy portal, shared by all and only read. `legacy` is the reader's URL, `owner` the owner's."""

    legacy: str
    owner: str
    manifest: dict[str, Any]


async def portal(server: str, scale: float, seed: int = SEED) -> Portal:
    """The portal at a scale; generated once in a session."""
    name = f"{PREFIX}portal_{round(scale * 1000)}_{seed}"
    found = await opened(await filled(server, name, lambda url: fill_portal(url, scale, seed)))
    return msgspec.structs.replace(found, legacy=await allow_reading(found.owner, *source_tables(PLAN)))


async def opened(owner: str) -> Portal:
    """A portal that `fill_portal` made in the database of that URL, as its owner reads it."""
    connection = await asyncpg.connect(owner)
    try:
        manifest = json.loads(await connection.fetchval("select content from sample.manifest"))
    finally:
        await connection.close()
    return Portal(legacy=owner, owner=owner, manifest=manifest)


async def fill_portal(url: str, scale: float, seed: int = SEED) -> None:
    """Generate, and keep the manifest in the database, in a schema that no plan reads."""
    manifest = await generate(url, scale=scale, seed=seed)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("create schema sample")
        await connection.execute("create table sample.manifest (content text not null)")
        await connection.execute("insert into sample.manifest values ($1)", json.dumps(manifest))
    finally:
        await connection.close()


async def portal_target(server: str) -> str:
    """Name of a database with the portal's empty target, to be copied."""
    await filled(server, TARGET, create_target)
    return TARGET


def source_tables(path: Path) -> list[str]:
    """The tables that a plan's FROM clauses name."""
    plan = read_plan(path)
    return sorted(
        {
            str(table)
            for mapping in plan.mappings
            for table in read_from(mapping.from_.value, plan.source_schema)[1].tables
        }
    )


def target_tables(plan: Plan) -> list[HashedTable]:
    """The tables that a plan writes, with the columns it fills."""
    return [
        HashedTable(
            table=TableName(schema=plan.target_schema, name=mapping.into.value),
            columns=tuple(column.column for column in mapping.columns),
        )
        for mapping in plan.mappings
    ]


async def target_hash(url: str, path: Path = PLAN) -> TargetHash:
    """What a plan has made of a target: equal for equal rows."""
    connection = await asyncpg.connect(url)
    try:
        return await hash_tables(connection, target_tables(read_plan(path)))
    finally:
        await connection.close()


async def written_rows(url: str, path: Path = PLAN) -> dict[str, int]:
    """Rows in each table that a plan writes."""
    connection = await asyncpg.connect(url)
    try:
        return {
            table.table.name: await connection.fetchval(f"select count(*) from {table.table.sql}")  # noqa: S608 - quoted
            for table in target_tables(read_plan(path))
        }
    finally:
        await connection.close()


async def empty_target(url: str, path: Path = PLAN) -> None:
    """Take the rows out of every table that a plan writes."""
    connection = await asyncpg.connect(url)
    try:
        tables = ", ".join(dict.fromkeys(table.table.sql for table in target_tables(read_plan(path))))
        await connection.execute(f"truncate {tables} cascade")
    finally:
        await connection.close()


def database_url(server: str, name: str) -> str:
    """URL of a database of the session by name."""
    return url_of(server, database=name)
