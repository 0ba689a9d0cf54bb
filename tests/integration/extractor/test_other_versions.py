"""Runs that are pinned to versions which this extractor does not have."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.core.errors import VersionDiffers
from tests.integration.extractor.conftest import address_of
from tests.integration.extractor.extractor import LEGACY, TARGET, Extractor, opened_extractor, plan_text
from tests.ledgers.ledger import Ledger


@pytest.fixture
async def extractor(ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str) -> AsyncIterator[Extractor]:
    await legacy.execute(LEGACY)
    await ledger.connection.execute(TARGET)
    async with opened_extractor(ledger, address_of(legacy_url)) as opened:
        yield opened


async def test_a_batch_of_a_run_that_is_pinned_to_another_version_is_left_to_others(extractor: Extractor) -> None:
    run = await extractor.planned(plan_text())
    await extractor.ledger.connection.execute("update transfuse.run set transfuse_version = '0.0.1'")
    first, *_ = await extractor.dispatched()
    with pytest.raises(VersionDiffers, match=r"pinned to Transfuse 0\.0\.1, and this extractor is of"):
        await extractor.extract(first)
    assert await extractor.ledger.state(run) == "running"


async def test_a_run_that_is_pinned_to_another_version_is_planned_by_others(extractor: Extractor) -> None:
    run = await extractor.start(plan_text())
    await extractor.ledger.connection.execute("update transfuse.run set transfuse_version = '0.0.1'")
    with pytest.raises(VersionDiffers):
        await extractor.plan(run)
    assert (await extractor.ledger.state(run), await extractor.written()) == ("pending", 0)
