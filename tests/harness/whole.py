"""A whole installation in the test's own process: the five services over one bus, the gateway with its API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from services.gateway.api.limits.policy import unlimited
from services.gateway.settings import GatewaySettings
from shared.bus.port import Bus
from shared.runtime.listener import Listener
from shared.runtime.service import Service
from shared.settings.secret import Secret
from shared.settings.service import ServiceSettings
from tests.harness.api import Api
from tests.harness.installation import Installation
from tests.harness.tokens import SECRET
from transfuse.pipeline import SERVICES, embedded_settings
from transfuse.workspace import Workspace


@asynccontextmanager
async def whole(installation: Installation, bus: Bus) -> AsyncIterator[Api]:
    """The services, at work; drained upstream first at the end. They need not be ready: the bus may be away."""
    workspace = Workspace(installation.home)
    async with AsyncExitStack() as stack:
        services: list[Service] = []
        for name, settings_class, build in SERVICES:
            settings = _settings(settings_class, workspace.environment(name, {"ENVIRONMENT": "test"}))
            options = {"policy": unlimited()} if isinstance(settings, GatewaySettings) else {}
            services.append(await stack.enter_async_context(build(settings, bus, **options)))
        async with asyncio.TaskGroup() as tasks:
            for service in services:
                tasks.create_task(service.run(), name=service.name)
            listener = next(part for part in services[0].parts if isinstance(part, Listener))
            await listener.ready.wait()
            try:
                yield Api(f"http://127.0.0.1:{listener.port}", installation.target, bus)
            finally:
                for service in services:
                    await service.drain()


def _settings(settings_class: type[ServiceSettings], environment: dict[str, str]) -> ServiceSettings:
    """Settings without a listener but the API's, whose tokens are those of the tests."""
    settings = embedded_settings(settings_class, environment)
    if not isinstance(settings, GatewaySettings):
        return settings
    return msgspec.structs.replace(settings, api_port=0, jwt_secret=Secret(SECRET), supabase_url=None)
