"""A plan put and checked over the API, by a gateway and an extractor with the rights that `init` gives them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec

from services.extractor import app as extractor
from services.extractor.settings import ExtractorSettings
from services.gateway import app as gateway
from services.gateway.api.limits.policy import unlimited
from services.gateway.resources.preflight import NAMES
from services.gateway.settings import GatewaySettings
from shared.bus.memory import MemoryBus
from shared.runtime.listener import Listener
from shared.settings.secret import Secret
from tests.harness import clinic
from tests.harness.databases import PREFIX, allow_reading, copied, filled
from tests.harness.installation import Installation, installed
from tests.harness.ledger import until
from tests.harness.tokens import SECRET, token
from transfuse.operator import service_environments
from transfuse.pipeline import embedded_settings
from transfuse.workspace import Workspace

TEMPLATE = f"{PREFIX}preflight_target"


@asynccontextmanager
async def serving(installation: Installation) -> AsyncIterator[aiohttp.ClientSession]:
    """A signed-in client of the installation's gateway, whose extractor is at work."""
    environments = service_environments(Workspace(installation.home))
    settings = embedded_settings(GatewaySettings, environments["gateway"])
    settings = msgspec.structs.replace(settings, api_port=0, jwt_secret=Secret(SECRET), jwt_issuer=None)
    reading = embedded_settings(ExtractorSettings, environments["extractor"])
    async with (
        MemoryBus() as bus,
        gateway.build(settings, bus, policy=unlimited()) as api,
        extractor.build(reading, bus) as reader,
        asyncio.TaskGroup() as tasks,
    ):
        for service in (api, reader):
            tasks.create_task(service.run(), name=service.name)
            await service.ready()
        listener = next(part for part in api.parts if isinstance(part, Listener))
        headers = {"Authorization": f"Bearer {token()}"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}", headers=headers) as client:
            yield client
        for service in (api, reader):
            await service.drain()


async def asked(client: aiohttp.ClientSession, method: str, path: str, **body: Any) -> tuple[int, Any]:  # noqa: ANN401 - JSON
    async with client.request(method, path, json=body or None) as response:
        return response.status, await response.json()


async def checked(client: aiohttp.ClientSession, migration: str) -> dict[str, Any]:
    """The preflight of a migration, from the question to its end."""
    path = f"/api/migrations/{migration}/preflight"
    assert (await asked(client, "POST", path))[0] == 202
    found: dict[str, Any] = {}

    async def ended() -> bool:
        nonlocal found
        _, found = await asked(client, "GET", path)
        return found["state"] in {"done", "failed"}

    await until(ended)
    return found


async def test_a_right_that_is_missing_is_told_and_mended_and_the_checks_pass(
    postgres_server: str, tmp_path: Path
) -> None:
    await filled(postgres_server, TEMPLATE, lambda url: clinic.fill(url, clinic.TARGET))
    async with copied(postgres_server) as legacy:
        await clinic.fill(legacy, clinic.LEGACY)
        reader = await allow_reading(legacy, "public.town")
        async with (
            installed(tmp_path, server=postgres_server, legacy=reader, template=TEMPLATE) as installation,
            serving(installation) as client,
        ):
            status, _ = await asked(client, "PUT", "/api/plans/clinic", files={"plan.yml": clinic.PLAN})
            assert status == 201
            status, migration = await asked(client, "POST", "/api/migrations", name="clinic", plan="clinic")
            assert status == 201
            found = await checked(client, migration["id"])
            assert (found["state"], found["error"]["code"]) == ("failed", "preflight_failed")
            (bad,) = [check for check in found["checks"] if check["state"] == "failed"]
            owner = await asyncpg.connect(legacy)
            await owner.execute(bad["fix"])
            await owner.close()
            found = await checked(client, migration["id"])
            assert (found["state"], found["error"], found["findings"]) == ("done", None, [])
            assert {check["code"] for check in found["checks"]} <= NAMES.keys()
