"""Wires the notifier: the ledger's pool to read, the snapshots, one service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.notifier.settings import NotifierSettings
from services.notifier.snapshots import Snapshots
from shared.bus.port import Bus
from shared.ledger.following import Following
from shared.ledger.progress import Progress
from shared.postgres.pools import Session, open_pool
from shared.runtime.service import Loop, Service

LEDGER = Session(statement_seconds=30, command_seconds=45, read_only=True)
CONNECTIONS = 3


@asynccontextmanager
async def build(settings: NotifierSettings, bus: Bus) -> AsyncIterator[Service]:
    async with open_pool(settings.ledger, "ledger", LEDGER, most=CONNECTIONS) as pool:
        yield Service(
            "notifier",
            [Loop("snapshots", Snapshots(Following(Progress(pool)), bus).run)],
            probes={"ledger": pool.probe, "bus": bus.probe},
            host=settings.listen_host,
            port=settings.port,
            drain_seconds=settings.drain_seconds,
        )
