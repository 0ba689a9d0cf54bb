"""Wires the gateway: the ledger's pool, the dispatcher, the dead letters, one service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.gateway.dead_letters import DeadLetters
from services.gateway.dispatcher import Dispatcher
from services.gateway.settings import GatewaySettings
from shared.bus.port import Bus
from shared.ledger.dispatch import Dispatch
from shared.postgres.pools import Session, open_pool
from shared.runtime.service import Loop, Service

LEDGER = Session(statement_seconds=60, command_seconds=90)
CONNECTIONS = 6


@asynccontextmanager
async def build(settings: GatewaySettings, bus: Bus) -> AsyncIterator[Service]:
    async with open_pool(settings.ledger, "ledger", LEDGER, most=CONNECTIONS) as pool:
        yield Service(
            "gateway",
            [
                Loop("dispatcher", Dispatcher(Dispatch(pool), bus).run),
                Loop("dead letters", DeadLetters(pool, bus).run),
            ],
            probes={"ledger": pool.probe, "bus": bus.probe},
            host=settings.listen_host,
            port=settings.port,
            drain_seconds=settings.drain_seconds,
        )
