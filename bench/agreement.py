"""A migrated portal beside its manifest: rows, cents, planted defects, facts, foreign keys, triggers."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from shared.ledger.snapshots import RunSnapshot
from tests.harness.guards import guards_that_are_down
from tests.harness.money import cents_that_differ
from tests.harness.outcomes import defects_that_differ, facts_that_differ
from tests.harness.portal import Portal, written_rows


async def disagreements(portal: Portal, target_url: str, run: UUID, snapshot: RunSnapshot) -> list[str]:
    """A line for everything that is not as the manifest and the plan's outcomes say."""
    targets = portal.manifest["targets"]
    different = [
        f"{table}: {count} rows, the manifest says {targets[table]['count']}"
        for table, count in (await written_rows(target_url)).items()
        if count != targets[table]["count"]
    ]
    different += [f"{one.mapping} does not balance" for one in snapshot.balances if not one.balances]
    different += await defects_that_differ(portal, target_url, run)
    different += await facts_that_differ(portal, target_url)
    legacy, target = await asyncpg.connect(portal.owner), await asyncpg.connect(target_url)
    try:
        different += await cents_that_differ(legacy, target, snapshot, portal.manifest)
        different += await guards_that_are_down(target)
    finally:
        await legacy.close()
        await target.close()
    return different
