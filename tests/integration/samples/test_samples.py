"""The sample databases are what they say they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from shared.core.errors import Refused
from transfuse.samples.portal import generate as portal
from transfuse.samples.portal import target as portal_target
from transfuse.samples.portal.verify import verify
from transfuse.samples.synthea import load as synthea

NewDatabase = Callable[[str], Awaitable[str]]


async def test_every_fact_of_the_manifest_holds_in_the_generated_portal(new_database: NewDatabase) -> None:
    dsn = await new_database("portal")
    steps: list[tuple[str, int, int]] = []
    manifest = await portal.generate(dsn, scale=0.01, seed=7, on_progress=lambda *step: steps.append(step))
    checked, wrong = await verify(dsn, manifest)
    assert wrong == []
    assert checked > 500
    rows = sum(manifest["rows"].values())
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    assert steps[-1][1:] == (rows, rows)
    with pytest.raises(Refused):
        await portal.generate(dsn, scale=0.01, seed=7)


async def test_a_scale_beyond_the_real_portal_is_refused() -> None:
    with pytest.raises(Refused):
        await portal.generate("postgresql://nowhere.invalid/none", scale=1.5, seed=7)


async def test_the_portals_target_has_row_level_security_on_every_table(new_database: NewDatabase) -> None:
    dsn = await new_database("target")
    await portal_target.create_target(dsn)
    assert await tables_without_security(dsn) == []
    with pytest.raises(Refused):
        await portal_target.create_target(dsn)


async def test_the_synthea_sample_has_its_18_tables_and_a_target_for_them(new_database: NewDatabase) -> None:
    dsn = await new_database("synthea")
    counts = await synthea.load(dsn)
    assert (len(counts), sum(counts.values())) == (18, 10_950)
    await synthea.create_target(dsn)
    assert await tables_without_security(dsn) == []
    with pytest.raises(Refused):
        await synthea.load(dsn)


async def tables_without_security(dsn: str) -> list[str]:
    db = await asyncpg.connect(dsn)
    try:
        rows = await db.fetch(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            " and not relrowsecurity",
        )
        return [row["relname"] for row in rows]
    finally:
        await db.close()
