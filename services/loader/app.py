"""Wires the loader: the target's pool, three stages, one service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.loader.handlers import Handlers
from services.loader.loader import BatchLoader
from services.loader.rebuilding import REBUILDERS
from services.loader.settings import LoaderSettings
from services.loader.undo.handlers import UndoCommand, UndoHandlers
from services.loader.undo.planner import UndoPlanner
from services.loader.undo.taking_back import UndoLoader
from services.loader.unmasking import Unmasking
from shared.bus.port import Bus, Queue
from shared.messages import FinishRun, LoadBatch
from shared.postgres.pools import Session, open_pool
from shared.runtime.heartbeat import heartbeat
from shared.runtime.service import Service
from shared.runtime.stage import Stage

CONCURRENT_LOADS = 2
# Triggers of the target may rely on the search path that Supabase gives its roles.
SESSION = Session(search_path='"$user", public, extensions')


@asynccontextmanager
async def build(settings: LoaderSettings, bus: Bus) -> AsyncIterator[Service]:
    async with open_pool(settings.target, "target", SESSION, most=2 * CONCURRENT_LOADS + 3 + REBUILDERS) as pool:
        loader = BatchLoader(pool, settings.keyring)
        handlers = Handlers(loader, pool)
        load: Stage[LoadBatch] = Stage(
            name="load",
            bus=bus,
            queue=Queue.LOAD,
            handler=handlers.load_batch,
            on_failure=handlers.load_failed,
            probe=pool.probe,
            concurrency=CONCURRENT_LOADS,
        )
        undos = UndoHandlers(
            pool, handlers, UndoPlanner(pool, settings.keyring, loader.runs), UndoLoader(pool, loader.runs)
        )
        undo: Stage[UndoCommand] = Stage(
            name="undo",
            bus=bus,
            queue=Queue.UNDO,
            handler=undos.handle,
            on_failure=undos.failed,
            probe=pool.probe,
            concurrency=CONCURRENT_LOADS,
        )
        finish: Stage[FinishRun] = Stage(
            name="finish",
            bus=bus,
            queue=Queue.FINISH,
            handler=handlers.finish_run,
            on_failure=handlers.finish_failed,
            probe=pool.probe,
        )
        probes = {"target": pool.probe, "bus": bus.probe}
        yield Service(
            "loader",
            (load, undo, finish, heartbeat("loader", bus, probes=probes, stages=(load, undo, finish))),
            probes=probes,
            host=settings.listen_host,
            port=settings.port,
            drain_seconds=settings.drain_seconds,
            routes=Unmasking(pool, settings.keyring, settings.service_token).routes(),
        )
