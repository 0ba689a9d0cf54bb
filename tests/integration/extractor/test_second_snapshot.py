"""What is still in flight from the first snapshot while a run is counted under the second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from shared.core.states import RunState
from shared.ledger import planning
from shared.ledger.settling import Claim
from tests.integration.extractor.conftest import address_of
from tests.integration.extractor.extractor import LEGACY, TARGET, Extractor, opened_extractor, plan_text
from tests.ledgers.ledger import ROWS, Ledger


@pytest.fixture
async def extractor(ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str) -> AsyncIterator[Extractor]:
    await legacy.execute(LEGACY)
    await ledger.connection.execute(TARGET)
    async with opened_extractor(ledger, address_of(legacy_url)) as opened:
        yield opened


async def test_a_batch_of_the_first_snapshot_does_not_settle_while_the_second_is_counted(
    extractor: Extractor, legacy: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await extractor.planned(plan_text(), batch_rows=ROWS)
    first, second, *_ = await extractor.dispatched()
    await extractor.ledger.settle(first)
    await extractor.ledger.runs.pause(run, actor="tester")
    await legacy.execute("delete from person where id = 15")
    await extractor.ledger.runs.resume(run, actor="tester", snapshot_lost=True)
    claims = []
    read_settled_rows = planning.read_settled_rows

    async def read_then_settle(connection: asyncpg.Connection, run: UUID) -> dict[tuple[str, int], int]:
        found = await read_settled_rows(connection, run)
        claims.append(await extractor.ledger.settle(second))
        return found

    monkeypatch.setattr(planning, "read_settled_rows", read_then_settle)
    await extractor.plan(run)
    assert await extractor.ledger.state(run) == RunState.RUNNING
    assert claims == [Claim.DROPPED]
    issued = await extractor.dispatched()
    rows = ROWS + sum([(await extractor.rows(ref)).count(b"\n") for ref in issued])
    assert rows == await extractor.ledger.connection.fetchval("select from_rows from transfuse.run_mapping")
