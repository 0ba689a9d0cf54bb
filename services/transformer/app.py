"""Wires the transformer: the ledger's pool, the engine, one stage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.transformer.engine import Engine
from services.transformer.handlers import Handlers
from services.transformer.settings import TransformerSettings
from shared.bus.port import Bus, Queue
from shared.messages import TransformBatch
from shared.postgres.pools import Session, open_pool
from shared.runtime.heartbeat import heartbeat
from shared.runtime.service import Service
from shared.runtime.stage import Stage

LEDGER = Session(statement_seconds=60, command_seconds=90)
BATCHES_AT_ONCE = 2
"""One in work, one ready or on its way out: a batch takes one thread whole, and more work is done by more processes."""


@asynccontextmanager
async def build(settings: TransformerSettings, bus: Bus) -> AsyncIterator[Service]:
    """The transformer on a bus."""
    async with open_pool(settings.ledger, "ledger", LEDGER, most=BATCHES_AT_ONCE + 1) as ledger:
        engine = Engine()
        handlers = Handlers(
            ledger=ledger, keyring=settings.keyring, engine=engine, body_bytes=settings.message_body_bytes
        )
        stage: Stage[TransformBatch] = Stage(
            name="transform",
            bus=bus,
            queue=Queue.TRANSFORM,
            handler=handlers.transform,
            on_failure=handlers.transform_failed,
            probe=ledger.probe,
            concurrency=BATCHES_AT_ONCE,
        )
        probes = {"ledger": ledger.probe, "bus": bus.probe}
        try:
            yield Service(
                "transformer",
                (stage, heartbeat("transformer", bus, probes=probes, stages=(stage,))),
                probes=probes,
                host=settings.listen_host,
                port=settings.port,
                drain_seconds=settings.drain_seconds,
            )
        finally:
            engine.close()
