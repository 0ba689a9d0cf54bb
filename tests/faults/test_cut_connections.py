"""Connections that break or fall silent in the middle of a run: the services go on by themselves."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.faults.test_killed_services import SCALE, SMALL_BATCHES, assert_same_outcome
from tests.harness.command_line import said, started, transfuse
from tests.harness.databases import address_of, with_place
from tests.harness.installation import installed
from tests.harness.ledger import ledger_of, until
from tests.harness.portal import PLAN, portal_target, target_hash
from tests.harness.servers import Servers
from tests.harness.services import services
from tests.servers.proxy import Proxy
from transfuse.exit_codes import ExitCode

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
SILENT_SECONDS = 1.0
"""How long a black hole swallows before its connections break: the time is the fault itself."""


def postgres_proxy(servers: Servers) -> Proxy:
    address = address_of(servers.postgres)
    return Proxy(address.host, address.port)


async def test_a_target_that_falls_silent_and_breaks_connections_changes_nothing(servers: Servers) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    legacy = (await servers.portal(SCALE)).legacy
    async with (
        postgres_proxy(servers) as proxy,
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=legacy,
            template=await portal_target(servers.postgres),
            through=("127.0.0.1", proxy.port),
        ) as installation,
        ledger_of(installation) as ledger,
        started(installation, "run", str(PLAN), *SMALL_BATCHES) as command,
    ):
        run = await ledger.youngest()
        await ledger.middle(run)
        proxy.swallow(swallow=True)
        await asyncio.sleep(SILENT_SECONDS)
        proxy.refuse(refuse=True)
        proxy.swallow(swallow=False)
        await asyncio.sleep(SILENT_SECONDS)
        proxy.refuse(refuse=False)
        done = await said(command)
        assert done.code == ExitCode.WARNINGS, done.text
        assert "Traceback" not in done.text
        assert_same_outcome(await ledger.progress.read(run), finished.snapshot)
        assert await target_hash(installation.target) == await target_hash(finished.target)


async def test_a_legacy_database_that_breaks_its_connections_pauses_the_run_until_resume(servers: Servers) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    legacy = (await servers.portal(SCALE)).legacy
    async with (
        postgres_proxy(servers) as proxy,
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=with_place(legacy, "127.0.0.1", proxy.port),
            template=await portal_target(servers.postgres),
        ) as installation,
        ledger_of(installation) as ledger,
        started(installation, "run", str(PLAN), *SMALL_BATCHES) as command,
    ):
        run = await ledger.youngest()
        await ledger.middle(run)
        proxy.cut()
        done = await said(command)
        assert done.code == ExitCode.INTERRUPTED, done.text
        assert (await ledger.progress.read(run)).reason == "snapshot_lost"
        done = await transfuse(installation, "resume")
        assert done.code == ExitCode.WARNINGS, done.text
        snapshot = await ledger.progress.read(run)
        assert snapshot.snapshot_count == 2
        assert_same_outcome(snapshot, finished.snapshot)
        assert await target_hash(installation.target) == await target_hash(finished.target)


async def test_a_broker_that_falls_silent_and_is_gone_for_a_while_changes_nothing(servers: Servers) -> None:
    finished = await servers.undisturbed_portal(SCALE)
    legacy, parts = (await servers.portal(SCALE)).legacy, urlsplit(servers.rabbitmq)
    async with Proxy(parts.hostname or "127.0.0.1", parts.port or 5672) as proxy:
        login = parts.netloc.rpartition("@")[0]
        through = parts._replace(netloc=f"{login}@127.0.0.1:{proxy.port}").geturl()
        async with (
            installed(
                servers.folder(),
                server=servers.postgres,
                legacy=legacy,
                template=await portal_target(servers.postgres),
                rabbitmq=through,
            ) as installation,
            services(installation) as five,
            ledger_of(installation) as ledger,
            started(installation, "run", str(PLAN), *SMALL_BATCHES) as command,
        ):
            run = await ledger.youngest()
            await ledger.middle(run)
            proxy.swallow(swallow=True)
            await asyncio.sleep(SILENT_SECONDS)
            proxy.refuse(refuse=True)
            proxy.swallow(swallow=False)
            await asyncio.sleep(SILENT_SECONDS)
            before = proxy.connection_count
            proxy.refuse(refuse=False)

            async def back() -> bool:
                return proxy.connection_count > before

            await until(back)
            done = await said(command)
            assert done.code == ExitCode.WARNINGS, done.text
            assert_same_outcome(await ledger.progress.read(run), finished.snapshot)
            assert await target_hash(installation.target) == await target_hash(finished.target)
            assert len(five.pids()) == 5
