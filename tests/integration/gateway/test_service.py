"""The gateway and the notifier as services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest

from services.gateway import app as gateway
from services.gateway.settings import GatewaySettings
from services.notifier import app as notifier
from services.notifier.settings import NotifierSettings
from shared.bus.memory import MemoryBus
from shared.bus.port import Bus, Queue
from shared.messages import PlanRun
from shared.runtime.service import Service
from shared.settings.environ import Environment
from tests.ledgers.ledger import Ledger

Build = Callable[[Any, Bus], AbstractAsyncContextManager[Service]]


@pytest.mark.parametrize(
    ("settings_class", "build"), ((GatewaySettings, gateway.build), (NotifierSettings, notifier.build))
)
async def test_it_is_ready_answers_and_drains(
    ledger: Ledger, settings_class: type[GatewaySettings | NotifierSettings], build: Build
) -> None:
    settings = settings_class(environment=Environment.TEST, port=0, ledger=ledger.address)
    run = await ledger.start()
    async with MemoryBus() as bus, build(settings, bus) as service, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(service.run())
        await service.ready()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{service.port}") as client:
            for path, text in (("/healthz", "alive"), ("/readyz", '"ready": true'), ("/metrics", "transfuse_ready")):
                async with client.get(path) as response:
                    assert response.status == 200
                    assert text in await response.text()
        if service.name == "gateway":
            async with bus.consume(Queue.PLAN, prefetch=1) as deliveries:
                assert (await anext(deliveries)).message == PlanRun(run=run)
        await service.drain()
        await running
