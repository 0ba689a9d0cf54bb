"""The Synthea sample: 18 tables of real shape, half of them without a key, money in nine of them."""

from __future__ import annotations

import asyncpg
import pytest

from shared.core.counts import Counts
from shared.core.states import RunState
from shared.plan.model import Plan
from shared.plan.reader import read_plan
from tests.harness.command_line import transfuse
from tests.harness.databases import url_of
from tests.harness.installation import installed
from tests.harness.ledger import ledger_of
from tests.harness.portal import target_hash
from tests.harness.servers import Servers
from tests.harness.synthea import LEGACY, PLAN, synthea, synthea_target

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
ROWS = 10_950


async def test_every_row_of_synthea_arrives_and_a_second_run_changes_nothing(servers: Servers) -> None:
    legacy, template = await synthea(servers.postgres), await synthea_target(servers.postgres)
    async with (
        installed(servers.folder(), server=servers.postgres, legacy=legacy, template=template) as installation,
        ledger_of(installation) as ledger,
    ):
        said = await transfuse(installation, "run", str(PLAN))
        first = await ledger.progress.read(await ledger.youngest())
        assert first.state is RunState.COMPLETED, said.text
        assert all(balance.balances for balance in first.balances)
        assert sum(balance.driving_rows for balance in first.balances if balance.pass_number == 1) >= ROWS
        waiting = await ledger.connection.fetch("select reasons from transfuse.quarantine")
        assert len(waiting) == first.counts.quarantined
        assert all(row["reasons"] not in {"[]", "{}"} for row in waiting)
        assert first.counts.quarantined == 0, first.quarantine
        assert await sums_that_differ(url_of(servers.postgres, database=LEGACY), installation.target) == []

        before = await target_hash(installation.target, PLAN)
        said = await transfuse(installation, "run", str(PLAN))
        second = await ledger.progress.read(await ledger.youngest(after=first.run))
        assert second.state is RunState.COMPLETED, said.text
        assert second.counts == Counts(
            read=first.counts.read, unchanged=first.counts.read - first.counts.filtered, filtered=first.counts.filtered
        )
        assert await target_hash(installation.target, PLAN) == before


async def sums_that_differ(legacy_url: str, target_url: str) -> list[str]:
    """A line for each column of `proof` whose sum is not the same to the cent in both databases."""
    legacy, target = await asyncpg.connect(legacy_url), await asyncpg.connect(target_url)
    different = []
    try:
        for source, into, column, expression in money(read_plan(PLAN)):
            there = await legacy.fetchval(f"select round(sum(({expression})::numeric), 2) from synthea.{source}")  # noqa: S608
            here = await target.fetchval(f"select round(sum({column}), 2) from {into}")  # noqa: S608
            if there != here:
                different.append(f"{into}.{column}: {there} there, {here} here")
    finally:
        await legacy.close()
        await target.close()
    return different


def money(plan: Plan) -> list[tuple[str, str, str, str]]:
    """FROM clause, target table, column and expression of every column under `proof`."""
    return [
        (mapping.from_.value, mapping.into.value, column.column, column.expression.value)
        for mapping in plan.mappings
        for column in mapping.columns
        if column.column in {text.value for text in mapping.proof_sums}
    ]
