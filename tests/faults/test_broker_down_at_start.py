"""A run that is started while the broker is away is accepted, and goes on when the broker is back."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

import pytest

from shared.bus.rabbit import RabbitBus
from shared.bus.topology import Topology
from shared.core.states import RunState
from tests.harness import clinic
from tests.harness.clinic_installation import clinic_installation
from tests.harness.ledger import ledger_of, until
from tests.harness.register import asked, registered, start
from tests.harness.servers import Servers
from tests.harness.services import delete_queues
from tests.harness.whole import whole
from tests.servers.proxy import Proxy

ISSUED = "select command_at is not null from transfuse.run where id = $1"
pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]


async def test_a_start_without_a_broker_is_accepted_and_the_run_completes_when_it_is_back(servers: Servers) -> None:
    parts = urlsplit(servers.rabbitmq)
    login = parts.netloc.rpartition("@")[0]
    async with (
        Proxy(parts.hostname or "127.0.0.1", parts.port or 5672) as proxy,
        clinic_installation(servers.postgres, servers.folder()) as installation,
    ):
        through = parts._replace(netloc=f"{login}@127.0.0.1:{proxy.port}").geturl()
        topology = Topology(prefix=installation.bus_prefix)
        proxy.refuse(refuse=True)
        try:
            async with (
                RabbitBus(through, topology=topology) as bus,
                whole(installation, bus) as api,
                api.client() as client,
                ledger_of(installation) as ledger,
            ):
                files = {"plan.yml": clinic.PLAN}
                assert (await asked(client, "PUT", "/api/plans/clinic", json={"files": files}))[0] == 201
                migration = await registered(client)
                status, document = await start(client, migration)
                assert (status, document["state"]) == (202, "pending")
                run = UUID(document["id"])

                async def issued() -> bool:
                    return bool(await ledger.connection.fetchval(ISSUED, run))

                await until(issued)
                assert proxy.connection_count == 0, "the command was given to nobody"
                proxy.refuse(refuse=False)
                snapshot = await ledger.still(run)
                assert snapshot.state is RunState.COMPLETED
                assert (snapshot.counts.read, all(balance.balances for balance in snapshot.balances)) == (4, True)
                status, document = await asked(client, "GET", f"/api/migrations/{migration}")
                assert (status, document["status"]) == (200, "completed")
        finally:
            await delete_queues(servers.rabbitmq, topology)
