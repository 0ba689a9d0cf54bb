"""Fill an empty PostgreSQL database with a synthetic legacy portal and describe it in a manifest.

    python -m transfuse.samples.portal.generate --dsn postgresql://user@host/legacy --scale 0.05 --seed 7 --manifest manifest.json

Scale 1.0 has the row counts of the real portal. The same seed and scale always give the same bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg

from shared.core.errors import Refused

from .gen import clinic, framework, money, patients, people, talk, workflow
from .gen.checks import JSON_STATE, TARGETS, defect_query, filter_query, target_query
from .gen.core import KEYS_LISTED, Ledger, Table, World

Manifest = dict[str, Any]
Progress = Callable[[str, int, int], None]  # table being loaded, rows loaded so far, rows in all
_Tables = list[Table | talk.Notifications]

_AREAS = (
    framework.build,
    people.build,
    patients.build,
    people.build_settings,
    clinic.build,
    talk.build,
    workflow.build,
    money.build,
    talk.build_trails,
)
_FOREIGN_KEYS = """
select conrelid::regclass::text as of, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace order by conrelid::regclass::text, conname
"""


async def generate(dsn: str, *, scale: float, seed: int, on_progress: Progress | None = None) -> Manifest:
    """Fill the empty database `dsn` and return the manifest.

    `scale` is a share of the real portal's row counts, above 0 and up to 1. Raises `Refused` when the scale is outside or the
    database already holds a portal.
    """
    if not 0 < scale <= 1:
        raise Refused("the scale must lie above 0 and not above 1", code="bad_scale")
    world, tables = await asyncio.to_thread(build, seed, scale)
    return describe(world, await _load(dsn, tables, on_progress))


def describe(world: World, targets: dict[str, int]) -> Manifest:
    """The manifest: everything that is known about the rows just made (README.md explains the parts)."""
    ledger = world.ledger
    return {
        "seed": world.seed,
        "scale": world.scale,
        "rows": dict(sorted(ledger.rows.items())),
        "sha256": dict(sorted(ledger.sha256.items())),
        "money": {name: str(amount) for name, amount in sorted(ledger.money.items())},
        "filters": {
            name: {"count": count, "sql": filter_query(name)} for name, count in sorted(ledger.filters.items())
        },
        "targets": {name: {"count": count, "sql": target_query(name)} for name, count in targets.items()},
        "codes": _codes(ledger),
        "empty_strings": dict(sorted(ledger.empty_strings.items())),
        "content_types": world.type_id,
        "json_state_function": JSON_STATE.strip(),
        "defects": [_defect(*where, keys) for where, keys in sorted(ledger.defects.items())],
        "patients": {
            "persons": world.truth,
            "duplicates": world.duplicates,
            "hard_negatives": world.negatives,
            "excluded": sorted(world.excluded),
        },
    }


def build(seed: int, scale: float) -> tuple[World, _Tables]:
    """All tables but the notifications are held in memory; those are made while they are loaded."""
    world = World(seed, scale)
    for area in _AREAS:
        area(world)
    return world, [*world.tables.values(), talk.Notifications(world)]


async def _load(dsn: str, tables: _Tables, on_progress: Progress | None) -> dict[str, int]:
    """Schema, rows, constraints, sequences; then count what a migration should load.

    Foreign keys are put back after the rows: one check per key, not per row.
    """
    db = await asyncpg.connect(dsn)
    try:
        if await db.fetchval("select to_regclass('public.auth_user')"):
            raise Refused(
                "this database already has a portal in it", remedy="Name an empty database.", code="not_empty"
            )
        await db.execute(resources.files(__package__).joinpath("legacy_schema.sql").read_text(encoding="utf-8"))
        keys = await db.fetch(_FOREIGN_KEYS)
        for key in keys:
            await db.execute(f"ALTER TABLE {key['of']} DROP CONSTRAINT {key['name']}")
        await _copy(db, tables, on_progress)
        for key in keys:
            await db.execute(f"ALTER TABLE {key['of']} ADD CONSTRAINT {key['name']} {key['definition']}")
        for table in tables:
            if "id" in table.columns:
                await db.execute("select setval(pg_get_serial_sequence($1, 'id'), $2)", table.name, table.last_id + 7)
        await db.execute("ANALYZE")
        return {name: await db.fetchval(target_query(name)) for name in sorted(TARGETS)}
    finally:
        await db.close()


async def _copy(db: asyncpg.Connection, tables: _Tables, on_progress: Progress | None) -> None:
    total = sum(table.row_count for table in tables)
    done = 0

    async def chunks(table: Table | talk.Notifications) -> AsyncIterator[bytes]:
        nonlocal done
        rest: Iterator[bytes] = table.chunks()
        while chunk := await asyncio.to_thread(next, rest, b""):
            yield chunk
            done += chunk.count(b"\n")
            if on_progress is not None:
                on_progress(table.name, done, total)

    for table in tables:
        if table.columns:
            await db.copy_to_table(table.name, source=chunks(table), columns=table.columns)


def _codes(ledger: Ledger) -> dict[str, dict[str, int]]:
    """Rows per value of every coded column, NULL first."""
    return {
        name: {
            str(code): count for code, count in sorted(counts.items(), key=lambda item: (item[0] is None, item[0] or 0))
        }
        for name, counts in sorted(ledger.codes.items())
    }


def _defect(kind: str, table: str, column: str, keys: list[int | str]) -> dict[str, Any]:
    keys = sorted(keys)
    sql = defect_query(kind, table, column)
    entry = {"kind": kind, "table": table, "column": column, "count": len(keys), "keys": keys[:KEYS_LISTED], "sql": sql}
    return entry if len(keys) <= KEYS_LISTED else entry | {"keys_cut": True}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", required=True, help="an empty database")
    parser.add_argument("--scale", type=float, default=0.05, help="1.0 = real row counts (default 0.05)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--manifest", type=Path, help="where to write the manifest")
    args = parser.parse_args()
    if not 0 < args.scale <= 1:
        parser.error("--scale must lie above 0 and not above 1")
    started = time.perf_counter()
    manifest = asyncio.run(generate(args.dsn, scale=args.scale, seed=args.seed))
    if args.manifest:
        args.manifest.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    rows = manifest["rows"].values()
    print(f"{sum(rows):,} rows in {len(rows)} tables in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
