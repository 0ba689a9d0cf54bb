"""Which servers the tests get: named ones, running ones, or own ones."""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.errors import ServersMissingError
from tests.servers.own import OWN_SERVERS, OwnServer
from tests.servers.packages import install, installed
from tests.servers.probes import Probe, postgres_accepts, rabbitmq_accepts, redis_accepts, standard_addresses

NAMES = {"postgres": "PostgreSQL", "rabbitmq": "RabbitMQ", "redis": "Redis"}
PROBES: dict[str, Probe] = {"postgres": postgres_accepts, "rabbitmq": rabbitmq_accepts, "redis": redis_accepts}


def variable(kind: str) -> str:
    return f"TRANSFUSE_TEST_{kind.upper()}"


@asynccontextmanager
async def servers(folder: Path) -> AsyncIterator[dict[str, str]]:
    """The three variables with the URLs; own instances live as long as the context. Raises ServersMissingError."""
    urls: dict[str, str] = {}
    if os.environ.get("TRANSFUSE_TEST_DISCOVERY") != "own":
        for kind, name in NAMES.items():
            url = await _running(kind)
            if url is not None:
                urls[kind] = url
                print(f"servers: {name} runs at {_place(url)}", flush=True)
    missing = [kind for kind in NAMES if kind not in urls]
    if absent := [kind for kind in missing if installed(kind) is None and not _can_do_without(kind)]:
        install(absent)
    async with AsyncExitStack() as stack:
        if missing:
            _lock(folder, stack)
        for kind in missing:
            server: OwnServer = OWN_SERVERS[kind](folder)
            stack.push_async_callback(server.stop)
            await server.start()
            urls[kind] = server.url
            print(f"servers: own {NAMES[kind]} started at {_place(server.url)}", flush=True)
        yield {variable(kind): url for kind, url in urls.items()}


async def _running(kind: str) -> str | None:
    named = os.environ.get(variable(kind))
    if named:
        reason = await PROBES[kind](named)
        if reason is None:
            return named
        text = f"{variable(kind)} names a server that the tests cannot use: {reason}."
        raise ServersMissingError(text)
    for url in standard_addresses(kind):
        if await PROBES[kind](url) is None:
            return url
    return None


def _can_do_without(kind: str) -> bool:
    """The package with the embedded PostgreSQL is there for whoever may install nothing."""
    return kind == "postgres" and os.geteuid() != 0


def _lock(folder: Path, stack: AsyncExitStack) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = stack.enter_context((folder / "lock").open("a", encoding="ascii"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        text = f"Another test run has its own servers in {folder}: wait for it to end."
        raise ServersMissingError(text) from error


def _place(url: str) -> str:
    """Host and port, or the socket's folder: a URL may hold a password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.hostname else parts.query.partition("=")[2]
