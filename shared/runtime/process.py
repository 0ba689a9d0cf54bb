"""One service as one process: settings, logging, signals, and the bus.

raise SystemExit(run_process("loader", LoaderSettings, build))
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeVar

from shared.bus.port import Bus
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import Topology
from shared.core.errors import Refused
from shared.runtime.failpoints import arm_from_environ
from shared.runtime.memory import bound_arenas
from shared.runtime.service import Service
from shared.settings import load
from shared.settings.service import ServiceSettings
from shared.telemetry.logging import bind_service, configure, get_logger

log = get_logger(__name__)

S = TypeVar("S", bound=ServiceSettings)
Build = Callable[[S, Bus], AbstractAsyncContextManager[Service]]
"""What `app.py` of a service offers: wires the service and, on leaving, closes what it opened."""

DONE: Final = 0
FAILED: Final = 2
WRONG_USE: Final = 64


def run_process(name: str, settings_class: type[S], build: Build[S]) -> int:
    """Run a service until SIGTERM or SIGINT; the exit code: 0 drained, 2 failed, 64 wrong settings."""
    faulthandler.enable(2)  # a crash of native code says which of our lines it was in, and no value
    configure()
    bind_service(name)
    bound_arenas()
    try:
        settings = load(settings_class, os.environ)
        arm_from_environ(os.environ)
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USE
    configure(level=settings.log_level)
    try:
        asyncio.run(_serve(settings, build))
    except Exception as error:  # noqa: BLE001 - the last place that can tell it without a driver's text
        log.error("the service failed", error=error)
        return FAILED
    return DONE


async def _serve(settings: S, build: Build[S]) -> None:
    if settings.rabbitmq is None:
        raise Refused("a service of its own needs RABBITMQ_URL")
    topology = Topology(prefix=settings.bus_prefix)
    async with RabbitBus(settings.rabbitmq.reveal(), topology=topology) as bus, build(settings, bus) as service:
        await obey_signals(service)


async def obey_signals(service: Service) -> None:
    """Run a service; the first SIGTERM or SIGINT drains it, the second stops it at once."""
    loop = asyncio.get_running_loop()
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.put_nowait, number)
    try:
        async with asyncio.TaskGroup() as tasks:
            obeying = tasks.create_task(_obey(signals, service), name="signals")
            telling = tasks.create_task(_tell_ready(service), name="readiness")
            await service.run()
            obeying.cancel()
            telling.cancel()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _obey(signals: asyncio.Queue[signal.Signals], service: Service) -> None:
    log.info("stopping on a signal", signal=(await signals.get()).name)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.drain(), name="drain")
        log.warning("stopping at once on a second signal", signal=(await signals.get()).name)
        await service.stop()


async def _tell_ready(service: Service) -> None:
    await service.ready()
    log.info("ready")
