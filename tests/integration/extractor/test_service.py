from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.extractor.app import build
from services.extractor.settings import ExtractorSettings
from shared.bus.memory import MemoryBus
from shared.bus.port import Queue
from shared.core.states import RunState
from shared.messages import PlanRun, RunChanged, TransformBatch
from shared.settings.environ import Environment
from tests.harness.events import of_runs
from tests.integration.extractor.conftest import address_of
from tests.integration.extractor.extractor import KEYRING, LEGACY, TARGET, Extractor, opened_extractor, plan_text
from tests.ledgers.ledger import Ledger


@pytest.fixture
async def extractor(ledger: Ledger, legacy: asyncpg.Connection, legacy_url: str) -> AsyncIterator[Extractor]:
    """Only what starts runs: the service under test does the work."""
    await legacy.execute(LEGACY)
    await ledger.connection.execute(TARGET)
    async with opened_extractor(ledger, address_of(legacy_url)) as opened:
        yield opened


async def test_the_service_turns_commands_into_sealed_rows_and_drains(
    extractor: Extractor, ledger: Ledger, legacy_url: str
) -> None:
    settings = ExtractorSettings(
        environment=Environment.TEST, port=None, legacy=address_of(legacy_url), ledger=ledger.address, keyring=KEYRING
    )
    run = await extractor.start(plan_text())
    async with (
        MemoryBus() as bus,
        bus.subscribe() as events,
        bus.consume(Queue.TRANSFORM, prefetch=10) as batches,
        build(settings, bus) as service,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(service.run())
        await service.ready()
        assert all((await service.check()).values())
        await bus.publish(PlanRun(run=run))
        assert await anext(of_runs(events)) == RunChanged(run=run, state=RunState.RUNNING)
        for command in (await ledger.dispatch().tick()).commands:
            await bus.publish(command)
        rows = 0
        for _ in range(3):
            delivery = await anext(batches)
            assert isinstance(delivery.message, TransformBatch)
            rows += delivery.message.row_count
            await delivery.ack()
        assert rows == 25
        await service.drain()


async def test_a_plan_that_is_refused_is_an_event_and_a_failed_run(
    extractor: Extractor, ledger: Ledger, legacy_url: str
) -> None:
    settings = ExtractorSettings(
        environment=Environment.TEST, port=None, legacy=address_of(legacy_url), ledger=ledger.address, keyring=KEYRING
    )
    run = await extractor.start(plan_text(key="p.nothing"))
    async with (
        MemoryBus() as bus,
        bus.subscribe() as events,
        build(settings, bus) as service,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(service.run())
        await service.ready()
        await bus.publish(PlanRun(run=run))
        assert await anext(of_runs(events)) == RunChanged(run=run, state=RunState.FAILED, reason="plan_refused")
        await service.stop()
