"""One gateway as a process of its own, on a copy of a ledger, with real RabbitMQ and Redis."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from shared.bus.topology import Topology
from shared.ledger.init import initialise, uninstall
from tests.harness.databases import PREFIX, address_of
from tests.harness.installation import end_sessions
from tests.harness.one_service import OneService, one_service
from tests.harness.services import delete_queues
from tests.harness.tokens import SECRET


@asynccontextmanager
async def gateway(database: str, *, rabbitmq: str, redis: str, log: Path) -> AsyncIterator[OneService]:
    """A gateway that is ready, on the ledger of a database; stopped at the end, its queues and roles removed."""
    role_prefix, bus_prefix = f"{PREFIX}{secrets.token_hex(4)}", f"bench-{secrets.token_hex(4)}"
    passwords = await initialise(address_of(database), role_prefix=role_prefix)
    login = msgspec.structs.replace(address_of(database), user=f"{role_prefix}_gateway", password=passwords["gateway"])
    variables = {
        "ENVIRONMENT": "test",
        "LEDGER_DATABASE_URL": login.url.reveal(),
        "RABBITMQ_URL": rabbitmq,
        "REDIS_URL": redis,
        "BUS_PREFIX": bus_prefix,
        "JWT_SECRET": SECRET,
        "PORT": "0",
        "API_PORT": "0",
        "TRUSTED_PROXIES": "127.0.0.1",  # each client comes from an address of its own
    }
    try:
        async with one_service("gateway", variables, log) as running:
            yield running
    finally:
        await delete_queues(rabbitmq, Topology(prefix=bus_prefix))
        await end_sessions(database)
        await uninstall(address_of(database))
