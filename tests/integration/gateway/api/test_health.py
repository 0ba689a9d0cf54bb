"""Health over the API: told by the services' own reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from shared.core.errors import WorldError
from shared.messages import HealthReported
from shared.runtime.heartbeat import Heartbeat
from shared.settings.secret import Secret
from tests.harness.api import Api, gateway_on
from tests.harness.ledger import until

SYSTEMS = {
    "extractor": ("legacy", "ledger"),
    "transformer": ("ledger",),
    "loader": ("target",),
    "notifier": ("ledger",),
}


async def answering() -> None:
    pass


async def silent() -> None:
    raise WorldError("it is away")


async def never() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def reporting(api: Api, service: str, *, away: str = "") -> AsyncIterator[None]:
    """A service that reports once, and then lives."""
    probes = {system: silent if system == away else answering for system in SYSTEMS[service]}
    draining = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Heartbeat(service, api.bus, probes=probes, tick=never).run(draining))
        yield
        draining.set()


async def health(api: Api) -> tuple[int, dict[str, str]]:
    async with api.client("viewer") as client, client.get("/api/health") as response:
        document = await response.json()
        assert document["status"] == ("healthy" if response.status == 200 else "unhealthy")
        return response.status, document["services"]


async def test_everything_is_connected_when_every_service_says_so(postgres_server: str) -> None:
    async with (
        gateway_on(postgres_server, redis=Secret("memory://health")) as api,
        reporting(api, "extractor"),
        reporting(api, "transformer"),
        reporting(api, "loader"),
        reporting(api, "notifier"),
    ):

        async def healthy() -> bool:
            return (await health(api))[0] == 200

        await until(healthy)
        status, services = await health(api)
    assert status == 200
    assert set(services.values()) == {"connected"}
    assert set(services) == {
        *("database", "redis", "legacyDb", "rabbitmq", "extractor", "transformer", "loader", "notifier"),
    }


async def test_what_nobody_reports_or_reaches_is_disconnected(api: Api) -> None:
    async with reporting(api, "loader", away="target"):

        async def heard() -> bool:
            return (await health(api))[1]["loader"] == "connected"

        await until(heard)
        status, services = await health(api)
    assert status == 503
    assert {name for name, word in services.items() if word == "connected"} == {"loader", "rabbitmq"}


async def test_health_is_for_those_who_may_read_it(api: Api) -> None:
    async with api.client(None) as client, client.get("/api/health") as response:
        assert response.status == 403
    async with api.anyone() as client, client.get("/api/health") as response:
        assert response.status == 401


async def test_the_gateway_reports_its_own_health(api: Api) -> None:
    async with api.bus.subscribe() as events, asyncio.timeout(30):
        async for event in events:
            if isinstance(event, HealthReported):
                assert (event.service, event.connected) == ("gateway", {"ledger": True, "bus": True})
                return


async def test_the_metrics_name_every_service_and_what_its_processes_use(api: Api) -> None:
    async with reporting(api, "loader", away="target"), api.client("viewer") as client:

        async def told() -> dict[str, dict[str, object]]:
            async with client.get("/api/metrics") as response:
                return {one["service"]: one for one in (await response.json())["processes"]}

        async def heard() -> bool:
            found = await told()
            return "down" not in {found["loader"]["state"], found["gateway"]["state"]}

        await until(heard)
        services = await told()
    assert {name: one["state"] for name, one in services.items()} == {
        "gateway": "up",
        "loader": "degraded",
        "extractor": "down",
        "transformer": "down",
        "notifier": "down",
    }
    assert services["loader"]["unreachable"] == ["target"]
    assert services["gateway"]["instances"] == 1
    assert int(str(services["gateway"]["memoryBytes"])) > 10_000_000
    assert services["gateway"]["version"] == version("transfuse")


async def test_anybody_may_read_the_configuration_and_it_holds_no_secret(postgres_server: str) -> None:
    url = Secret("https://user:password@project.supabase.co")
    async with (
        gateway_on(
            postgres_server, supabase_url=url, supabase_anon_key="anon", socket_url="https://events.example.org"
        ) as api,
        api.anyone() as client,
        client.get("/api/config") as response,
    ):
        assert await response.json() == {
            "supabaseUrl": "https://project.supabase.co",
            "supabaseAnonKey": "anon",
            "socketUrl": "https://events.example.org",
        }


async def test_a_gateway_with_local_accounts_names_no_supabase(api: Api) -> None:
    async with api.anyone() as client, client.get("/api/config") as response:
        assert await response.json() == {"supabaseUrl": None, "supabaseAnonKey": None, "socketUrl": None}
