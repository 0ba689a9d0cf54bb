"""tests/portal/outcomes.yml, run mechanically: what became of every planted defect, beside what should have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import yaml

from tests.harness.installation import ROOT
from tests.harness.portal import Portal

OUTCOMES = ROOT / "tests" / "portal" / "outcomes.yml"
QUARANTINED = """
select count(*) from transfuse.quarantine q
 where q.run_id = $1 and q.mapping = $2 and exists (
     select from jsonb_array_elements(q.reasons) r
      where r ->> 'column' = $3 and ($4::text[] is null or r ->> 'code' = any ($4)))
"""
WARNED = """
select coalesce(sum((w ->> 'count')::bigint), 0)
  from transfuse.batch b cross join jsonb_array_elements(b.warnings) w
 where b.run_id = $1 and b.mapping = $2 and b.state = 'settled' and w ->> 'column' = $3
   and w ->> 'code' not in ('invented', 'otherwise', 'default')
   and ($4::text[] is null or w ->> 'code' = any ($4))
"""
"""What is counted beside them was brought in and warns of nothing."""
LEDGER = {"quarantined": QUARANTINED, "warned": WARNED}


async def defects_that_differ(portal: Portal, target_url: str, run: UUID) -> list[str]:
    """A line for each defect whose number found is not the number planted."""
    document = read_outcomes()
    listed = {(entry["kind"], entry["table"], entry["column"]): entry for entry in portal.manifest["defects"]}
    different = []
    async with _sessions(portal, target_url, document["setup"]) as (legacy, target):
        await legacy.execute(portal.manifest["json_state_function"])
        for defect in document["defects"]:
            if defect["outcome"] == "not mapped":
                continue
            planted = listed.get((defect["kind"], defect["table"], defect["column"]))
            ids = [row[0] for row in await legacy.fetch(planted["sql"])] if planted else []
            wanted = len(ids) if defect["count"] == "all" else await _number(legacy, defect["count"], ids)
            found = await _found(target, defect, ids, run)
            if found != wanted:
                different.append(f"{_name(defect)}: {found} found, {wanted} planted")
    return different


async def facts_that_differ(portal: Portal, target_url: str) -> list[str]:
    """A line for each fact that both databases tell differently."""
    document = read_outcomes()
    different = []
    async with _sessions(portal, target_url, document["setup"]) as (legacy, target):
        for fact in document["facts"]:
            there = [tuple(row) for row in await legacy.fetch(fact["legacy"])]
            here = [tuple(row) for row in await target.fetch(fact["target"])]
            if there != here:
                count = sum(one != other for one, other in zip(there, here, strict=False))
                different.append(f"{fact['name']}: {len(there)} and {len(here)} rows, {count} differ")
    return different


def read_outcomes() -> dict[str, Any]:
    """The file."""
    document: dict[str, Any] = yaml.safe_load(OUTCOMES.read_text(encoding="utf-8"))
    return document


async def _found(target: asyncpg.Connection, defect: dict[str, Any], ids: list[int], run: UUID) -> int:
    if "target" in defect:
        return await _number(target, defect["target"], ids)
    column = defect.get("target_column") or defect["rule"]
    values = (run, defect["mapping"], column, defect.get("codes"))
    return int(await target.fetchval(LEDGER[defect["outcome"]], *values))


async def _number(connection: asyncpg.Connection, query: str, ids: list[int]) -> int:
    return int(await connection.fetchval(query, *([ids] if "$1" in query else [])))


def _name(defect: dict[str, Any]) -> str:
    return " ".join(defect[name] for name in ("kind", "table", "column", "mapping", "outcome"))


@asynccontextmanager
async def _sessions(
    portal: Portal, target_url: str, setup: str
) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    legacy = await asyncpg.connect(portal.owner)
    try:
        await legacy.execute(setup)
        target = await asyncpg.connect(target_url)
        try:
            yield legacy, target
        finally:
            await target.close()
    finally:
        await legacy.close()
