"""The five services in one process over the in-process bus: the same `build()` functions as the five processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final, TypeVar

import msgspec

from services.extractor import app as extractor
from services.extractor.settings import ExtractorSettings
from services.gateway import app as gateway
from services.gateway.settings import GatewaySettings
from services.loader import app as loader
from services.loader.settings import LoaderSettings
from services.notifier import app as notifier
from services.notifier.settings import NotifierSettings
from services.notifier.socket_server import PATH as SOCKETS
from services.transformer import app as transformer
from services.transformer.settings import TransformerSettings
from shared.bus.memory import MemoryBus
from shared.runtime.failpoints import arm_from_environ
from shared.runtime.mount import Mount
from shared.runtime.service import Service
from shared.settings import load
from shared.settings.secret import Secret
from shared.settings.service import ServiceSettings
from transfuse.ports import LOOPBACK

S = TypeVar("S", bound=ServiceSettings)
Build = Callable[..., AbstractAsyncContextManager[Service]]

SERVICES: tuple[tuple[str, type[ServiceSettings], Build], ...] = (
    ("gateway", GatewaySettings, gateway.build),
    ("extractor", ExtractorSettings, extractor.build),
    ("transformer", TransformerSettings, transformer.build),
    ("loader", LoaderSettings, loader.build),
    ("notifier", NotifierSettings, notifier.build),
)
"""In pipeline order, which is the order of starting to stop."""
SHARING_A_PORT: Final = frozenset({"gateway", "notifier"})
"""The notifier answers at a place of the gateway's port: one address for pages, the API and live updates."""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """The ports of a process that serves the API."""

    api_port: int
    loader_port: int

    @property
    def loader_url(self) -> str:
        return f"http://{LOOPBACK}:{self.loader_port}"


@asynccontextmanager
async def pipeline(
    environments: Mapping[str, Mapping[str, str]], *, served: Served | None = None
) -> AsyncIterator[None]:
    """All five services, ready for work; on leaving, drained upstream first. Raises SettingsInvalid, RunError.

    Nothing listens on a port, unless the API is `served`: then the dashboard and the notifier's sockets are there too.
    A service that fails ends the others and the block, with its error in an ExceptionGroup.
    """
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(MemoryBus())
        services: list[Service] = []
        sockets = None if served is None else Mount(SOCKETS)
        for name, settings_class, build in SERVICES:
            arm_from_environ(environments[name])
            settings = embedded_settings(settings_class, environments[name], served)
            shared = {"mount": sockets} if name in SHARING_A_PORT else {}
            services.append(await stack.enter_async_context(build(settings, bus, **shared)))
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


def embedded_settings(settings_class: type[S], environment: Mapping[str, str], served: Served | None = None) -> S:
    """A service's settings for one process: no broker whatever RABBITMQ_URL says, and no listener but what is served.

    The loader listens, on loopback, only where there is an API that may ask it to unmask a row.
    """
    settings = load(settings_class, {**environment, "RABBITMQ_URL": "amqps://nowhere.invalid/"})
    settings = msgspec.structs.replace(settings, port=None, rabbitmq=None)
    if isinstance(settings, GatewaySettings):
        ports = {"api_port": served and served.api_port, "loader_url": served and Secret(served.loader_url)}
        return msgspec.structs.replace(settings, **ports, socket_url=None)
    if isinstance(settings, NotifierSettings):
        return msgspec.structs.replace(settings, socket_port=None)
    if isinstance(settings, LoaderSettings) and served is not None:
        return msgspec.structs.replace(settings, port=served.loader_port, listen_host=LOOPBACK)
    return settings
