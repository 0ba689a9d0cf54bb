"""Wires the extractor: pools, the holder of snapshots, streams, two stages and the loop that watches."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from services.extractor.extraction import Extraction, Limits
from services.extractor.handlers import Handlers
from services.extractor.planner import Planner
from services.extractor.settings import ExtractorSettings
from services.extractor.snapshot import BEAT_SECONDS, SnapshotHolder
from services.extractor.streams import Streams, open_streams
from shared.bus.port import Bus, Queue
from shared.messages import ExtractBatch, PlanRun
from shared.postgres.pools import Session, open_pool
from shared.runtime.heartbeat import heartbeat
from shared.runtime.service import Loop, Service
from shared.runtime.stage import Stage
from shared.runtime.world import Probe

READING = Session(read_only=True)
LEDGER = Session(statement_seconds=60, command_seconds=90)
BATCHES_AT_ONCE = 2
CONNECTIONS = 8
IDLE_STREAM_SECONDS = 600.0


@asynccontextmanager
async def build(settings: ExtractorSettings, bus: Bus) -> AsyncIterator[Service]:
    """The extractor on a bus."""
    async with (
        open_pool(settings.ledger, "ledger", LEDGER, most=CONNECTIONS) as ledger,
        open_pool(settings.legacy, "legacy", READING, most=CONNECTIONS) as legacy,
        open_streams(legacy) as streams,
    ):
        holder = SnapshotHolder(settings.legacy)
        planner = Planner(
            ledger=ledger,
            legacy=legacy,
            holder=holder,
            keyring=settings.keyring,
            instance=f"{socket.gethostname()}:{os.getpid()}",
            transfuse_version=version("transfuse"),
        )
        limits = Limits(row_bytes=settings.max_row_bytes, body_bytes=settings.message_body_bytes)
        extraction = Extraction(ledger=ledger, legacy=legacy, streams=streams, keyring=settings.keyring, limits=limits)
        handlers = Handlers(ledger=ledger, planner=planner, extraction=extraction)
        probes = {"ledger": ledger.probe, "legacy": legacy.probe}
        plan, extract = planning(handlers, bus, ledger.probe), extracting(handlers, bus, ledger.probe, legacy.probe)
        try:
            yield Service(
                "extractor",
                [
                    plan,
                    extract,
                    watching(handlers, holder, streams),
                    heartbeat("extractor", bus, probes=probes, stages=(plan, extract)),
                ],
                probes=probes,
                host=settings.listen_host,
                port=settings.port,
                drain_seconds=settings.drain_seconds,
            )
        finally:
            holder.close()


def planning(handlers: Handlers, bus: Bus, probe: Probe) -> Stage[PlanRun]:
    """The stage that plans runs, one at a time."""
    return Stage(
        name="plan",
        bus=bus,
        queue=Queue.PLAN,
        handler=handlers.plan,
        on_failure=handlers.planning_failed,
        probe=probe,
    )


def extracting(handlers: Handlers, bus: Bus, *probes: Probe) -> Stage[ExtractBatch]:
    """The stage that reads batches; it needs every system that is probed."""

    async def probe() -> None:
        for found in probes:
            await found()

    return Stage(
        name="extract",
        bus=bus,
        queue=Queue.EXTRACT,
        handler=handlers.extract,
        on_failure=handlers.extraction_failed,
        probe=probe,
        concurrency=BATCHES_AT_ONCE,
    )


def watching(handlers: Handlers, holder: SnapshotHolder, streams: Streams) -> Loop:
    """The loop that asks after every snapshot and ends what nobody needs."""

    async def watch(draining: asyncio.Event) -> None:
        while not draining.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(draining.wait(), BEAT_SECONDS)
            await holder.beat(handlers.is_snapshot_wanted, handlers.holder_lost)
            streams.drop_idle(IDLE_STREAM_SECONDS)

    return Loop("snapshots", watch)
