"""RabbitMQ and Redis are killed in the middle of a run and started again: the target and every browser end as ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from services.gateway.dispatcher import Dispatcher
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import Topology
from shared.ledger.dispatch import Dispatch, DispatchOptions
from shared.postgres.pools import Session, open_pool
from shared.settings.secret import Secret
from tests.faults.test_killed_services import SCALE, assert_same_outcome
from tests.harness.api import gateway_on
from tests.harness.audience import Audience, audience
from tests.harness.databases import address_of
from tests.harness.installation import Installation, installed
from tests.harness.ledger import LedgerView, ledger_of
from tests.harness.one_service import OneService, one_service
from tests.harness.own_servers import own_rabbitmq, own_redis
from tests.harness.portal import PLAN, portal_target, target_hash
from tests.harness.register import asked, plan_in, registered, start
from tests.harness.servers import Servers
from tests.harness.services import Services, services
from tests.harness.tokens import SECRET, token
from transfuse.workspace import SERVICES, Workspace

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
BATCH_ROWS = 250
IMPATIENT = DispatchOptions(lost_seconds=2, lost_factor=0)
"""A dispatcher that does not wait the half minute in which a batch usually counts as lost."""


class Work:
    """An installation at work on a run that browsers watch through two notifiers."""

    def __init__(self, installation: Installation, five: Services, second: OneService, ledger: LedgerView) -> None:
        self.installation = installation
        self.ledger = ledger
        self.sockets = [five.url("notifier"), second.url]
        self._five = five
        self._headers = {"Authorization": f"Bearer {token()}"}

    async def migration(self) -> UUID:
        """The portal's plan and a migration of it, which has not run."""
        names = [path for path in sorted(PLAN.rglob("*")) if path.is_file()]
        files = {str(path.relative_to(PLAN)): path.read_text(encoding="utf-8") for path in names}
        async with aiohttp.ClientSession(self._five.url("gateway"), headers=self._headers) as client:
            status, document = await asked(client, "PUT", "/api/plans/portal", json={"files": files})
            assert status == 201, document
            return await registered(client, "portal", "portal")

    async def start(self, migration: UUID) -> UUID:
        """A run in many small batches."""
        async with aiohttp.ClientSession(self._five.url("gateway"), headers=self._headers) as client:
            status, document = await start(client, migration, batchSize=BATCH_ROWS)
        assert status == 202, document
        return UUID(document["id"])

    async def ends_as_undisturbed(self, run: UUID, servers: Servers, watching: Audience) -> None:
        """The run balances, the target is that of a run that nothing happened to, and every browser knows it."""
        finished = await servers.undisturbed_portal(SCALE)
        final = await self.ledger.still(run)
        assert_same_outcome(final, finished.snapshot)
        assert await target_hash(self.installation.target) == await target_hash(finished.target)
        await watching.told(final)
        assert "Traceback" not in self._five.log.read_text(encoding="utf-8")
        assert [self._five.count("ready", service) for service in SERVICES] == [1] * len(SERVICES), "none ended"


@asynccontextmanager
async def at_work(servers: Servers, *, rabbitmq: str, redis: str) -> AsyncIterator[Work]:
    """The five services and a second notifier."""
    variables = {"JWT_SECRET": SECRET, "REDIS_URL": redis}
    async with (
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=(await servers.portal(SCALE)).legacy,
            template=await portal_target(servers.postgres),
            rabbitmq=rabbitmq,
            variables=variables,
        ) as installation,
        services(installation) as five,
        one_service("notifier", of_notifier(installation), installation.home / "second.log") as second,
        ledger_of(installation) as ledger,
    ):
        yield Work(installation, five, second, ledger)


def of_notifier(installation: Installation) -> dict[str, str]:
    found = Workspace(installation.home).environment("notifier", installation.environment())
    return {**found, "PORT": "0", "SOCKET_PORT": "0"}


@asynccontextmanager
async def impatient_dispatcher(installation: Installation) -> AsyncIterator[None]:
    """A second dispatcher, as a second gateway would be one."""
    assert installation.rabbitmq is not None
    draining = asyncio.Event()
    async with (
        RabbitBus(installation.rabbitmq, topology=Topology(prefix=installation.bus_prefix)) as bus,
        open_pool(address_of(installation.target), "ledger", Session(), most=2) as pool,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(Dispatcher(Dispatch(pool, IMPATIENT), bus).run(draining), name="impatient dispatcher")
        yield
        draining.set()


async def test_rabbitmq_and_redis_killed_in_the_middle_of_a_run_even_with_their_data_change_nothing(
    servers: Servers, tmp_path: Path
) -> None:
    async with (
        own_rabbitmq(tmp_path) as broker,
        own_redis(tmp_path) as redis,
        at_work(servers, rabbitmq=broker.url, redis=redis.url) as work,
    ):
        migration = await work.migration()
        async with audience(migration, work.sockets, each=2) as watching:
            run = await work.start(migration)
            await work.ledger.middle(run)
            await redis.kill()
            await broker.kill()
            await broker.start_again()
            await work.ledger.middle(run, settled=15)
            await redis.start()
            await broker.kill()
            await broker.start()
            async with impatient_dispatcher(work.installation):
                await work.ends_as_undisturbed(run, servers, watching)


async def test_the_status_of_a_run_that_redis_never_knew_is_answered_while_redis_is_down(
    postgres_server: str, tmp_path: Path
) -> None:
    async with (
        own_redis(tmp_path) as redis,
        gateway_on(postgres_server, redis=Secret(redis.url)) as api,
        api.client() as client,
    ):
        await plan_in(api)
        migration = await registered(client)
        assert (await said(client, migration))["status"] == "pending"
        await redis.kill()
        status, document = await start(client, migration)
        assert status == 202, document
        assert (await said(client, migration))["runId"] == document["id"]
        assert (await asked(client, "GET", f"/api/runs/{document['id']}/status"))[0] == 200
        await redis.start()
        assert (await said(client, migration))["runId"] == document["id"]


async def said(client: aiohttp.ClientSession, migration: UUID) -> dict[str, Any]:
    status, document = await asked(client, "GET", f"/api/migrations/{migration}/status")
    assert status == 200, document
    return document
