"""Which services do not answer: every one reports its health unasked, so that silence says something."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Annotated

import msgspec

from shared.bus.port import Bus
from shared.bus.topology import Topology
from shared.core.errors import WorldError
from shared.messages import HealthReported
from shared.messages.events import BEAT_SECONDS
from shared.settings.secret import Secret
from shared.settings.service import BUS_PREFIX, RABBITMQ_URL
from transfuse.workspace import SERVICES, Workspace

LISTEN_SECONDS = BEAT_SECONDS + 1.0


class BusAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Where the services meet."""

    rabbitmq: Annotated[Secret | None, RABBITMQ_URL.optional()] = None
    prefix: Annotated[str, BUS_PREFIX.optional("tf")] = "tf"


async def silence(workspace: Workspace) -> str:
    """Which services on the broker are silent, and how to start them; empty where none is, or none is expected."""
    access = workspace.load(BusAccess, "gateway", os.environ)
    if access.rabbitmq is None:
        return ""
    from shared.bus.rabbit import RabbitBus  # noqa: PLC0415 - what it takes to load, only who waits in vain waits for

    async with RabbitBus(access.rabbitmq.reveal(), topology=Topology(prefix=access.prefix)) as bus:
        try:
            async with asyncio.timeout(LISTEN_SECONDS):
                await bus.probe()
        except (WorldError, TimeoutError):
            return "RabbitMQ does not answer. The run waits in the ledger and goes on when it is back."
        missing = [service for service in SERVICES if service not in await reporting(bus, LISTEN_SECONDS)]
    if not missing:
        return ""
    return f"Nothing is heard of {', '.join(missing)}. Start the services with: transfuse up --services"


async def reporting(bus: Bus, seconds: float) -> frozenset[str]:
    """The services that report within that time, which ends early when all have."""
    heard = set[str]()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), bus.subscribe() as events:
            async for event in events:
                if isinstance(event, HealthReported):
                    heard.add(event.service)
                if heard.issuperset(SERVICES):
                    break
    return frozenset(heard)
