"""The five services in one process over the in-process bus: the same `build()` functions as the five processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import msgspec

from services.extractor import app as extractor
from services.extractor.settings import ExtractorSettings
from services.gateway import app as gateway
from services.gateway.settings import GatewaySettings
from services.loader import app as loader
from services.loader.settings import LoaderSettings
from services.notifier import app as notifier
from services.notifier.settings import NotifierSettings
from services.transformer import app as transformer
from services.transformer.settings import TransformerSettings
from shared.bus.memory import MemoryBus
from shared.bus.port import Bus
from shared.runtime.failpoints import arm_from_environ
from shared.runtime.service import Service
from shared.settings import load
from shared.settings.service import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)
Build = Callable[[Any, Bus], AbstractAsyncContextManager[Service]]

SERVICES: tuple[tuple[str, type[ServiceSettings], Build], ...] = (
    ("gateway", GatewaySettings, gateway.build),
    ("extractor", ExtractorSettings, extractor.build),
    ("transformer", TransformerSettings, transformer.build),
    ("loader", LoaderSettings, loader.build),
    ("notifier", NotifierSettings, notifier.build),
)
"""In pipeline order, which is the order of starting to stop."""


@asynccontextmanager
async def pipeline(environments: Mapping[str, Mapping[str, str]]) -> AsyncIterator[None]:
    """All five services, ready for work; on leaving, drained upstream first. Raises SettingsInvalid, RunError.

    A service that fails ends the others and the block, with its error in an ExceptionGroup.
    """
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(MemoryBus())
        services: list[Service] = []
        for name, settings_class, build in SERVICES:
            arm_from_environ(environments[name])
            settings = embedded_settings(settings_class, environments[name])
            services.append(await stack.enter_async_context(build(settings, bus)))
        async with asyncio.TaskGroup() as tasks:
            for service in services:
                tasks.create_task(service.run(), name=service.name)
            for service in services:
                await service.ready()
            try:
                yield
            finally:
                for service in services:
                    await service.drain()


def embedded_settings(settings_class: type[S], environment: Mapping[str, str]) -> S:
    """A service's settings for one process: no listener, and no broker whatever RABBITMQ_URL says."""
    settings = load(settings_class, {**environment, "RABBITMQ_URL": "amqps://nowhere.invalid/"})
    return msgspec.structs.replace(settings, port=None, rabbitmq=None)
