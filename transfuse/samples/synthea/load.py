"""Load the Synthea sample as a legacy database, and make the target it moves into.

python -m transfuse.samples.synthea.load --legacy postgresql://user@host/legacy --target postgresql://user@host/target
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import io
from importlib import resources

import asyncpg

from shared.core.errors import Refused
from shared.postgres.sql_files import load_sql
from transfuse.samples.portal.target import create_roles

SCHEMA = "synthea"
TABLES = (
    "allergies",
    "careplans",
    "claims",
    "claims_transactions",
    "conditions",
    "devices",
    "encounters",
    "imaging_studies",
    "immunizations",
    "medications",
    "observations",
    "organizations",
    "patients",
    "payer_transitions",
    "payers",
    "procedures",
    "providers",
    "supplies",
)


async def load(dsn: str) -> dict[str, int]:
    """Fill schema `synthea` of database `dsn`; returns rows per table. Raises `Refused` when it is there already."""
    sql = load_sql(__package__, "legacy.sql")
    db = await asyncpg.connect(dsn)
    try:
        if await db.fetchval("select to_regnamespace($1)", SCHEMA):
            raise Refused(
                f"this database already has a schema {SCHEMA}", remedy="Name another database.", code="not_empty"
            )
        async with db.transaction():
            await db.execute(sql["tables"])
            for table in TABLES:
                source = io.BytesIO(_csv(table))
                await db.copy_to_table(table, source=source, schema_name=SCHEMA, format="csv", header=True)
            await db.execute(sql["keys"])
        return {table: await db.fetchval(f"select count(*) from {SCHEMA}.{table}") for table in TABLES}  # noqa: S608 - own names
    finally:
        await db.close()


async def create_target(dsn: str) -> None:
    """Run `target_schema.sql` in the database `dsn`. Raises `Refused` when its tables are there already."""
    db = await asyncpg.connect(dsn)
    try:
        if await db.fetchval("select to_regclass('public.claim_transactions')"):
            raise Refused(
                "this database already has the target's tables", remedy="Name another database.", code="not_empty"
            )
        await create_roles(db)
        await db.execute(resources.files(__package__).joinpath("target_schema.sql").read_text(encoding="utf-8"))
    finally:
        await db.close()


def _csv(table: str) -> bytes:
    return gzip.decompress(resources.files(__package__).joinpath("data", f"{table}.csv.gz").read_bytes())


async def _both(legacy: str | None, target: str | None) -> None:
    if legacy:
        counts = await load(legacy)
        print(f"{sum(counts.values()):,} rows in {len(counts)} tables")
    if target:
        await create_target(target)
        print("target made")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--legacy", help="a database without a schema synthea")
    parser.add_argument("--target", help="an empty database")
    args = parser.parse_args()
    asyncio.run(_both(args.legacy, args.target))


if __name__ == "__main__":
    main()
