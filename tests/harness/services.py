"""The five services as processes on RabbitMQ, started by `transfuse up --services`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

import aio_pika
import aiohttp
from aio_pika.exceptions import AMQPError

from shared.bus.port import Queue
from shared.bus.topology import Topology
from tests.harness.installation import ROOT, Installation
from tests.harness.ledger import until
from tests.harness.one_service import lines_of, url_in
from transfuse.workspace import SERVICES

STOP_SECONDS = 30


class Services:
    """The processes while they run. `log` is what they write to stderr."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    def pids(self) -> dict[str, int]:
        """Process ids by service, of those that run."""
        return {name: pid for pid in children(self._process.pid) if (name := service_of(pid)) is not None}

    def lines(self) -> list[dict[str, Any]]:
        """The log lines so far."""
        return lines_of(self.log)

    def url(self, service: str) -> str:
        """Where browsers find a service."""
        return url_in(self.lines(), service)

    def count(self, event: str, service: str) -> int:
        """How often a service has logged an event."""
        return sum(line["event"] == event and line.get("service") == service for line in self.lines())

    async def ready(self, service: str, times: int = 1) -> None:
        """Return when a service was ready so many times."""

        async def there() -> bool:
            return self.count("ready", service) >= times

        await until(there)

    def kill(self, service: str) -> None:
        """`kill -9`."""
        os.kill(self.pids()[service], signal.SIGKILL)

    async def metrics(self) -> str:
        """The metrics pages of all services."""
        ports = {
            line["service"]: line["port"] for line in self.lines() if line["event"] == "started" and "port" in line
        }
        pages = []
        async with aiohttp.ClientSession() as session:
            for port in ports.values():
                async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
                    pages.append(await response.text())
        return "\n".join(pages)


@asynccontextmanager
async def services(
    installation: Installation, *, log_name: str = "services.log", **variables: str
) -> AsyncIterator[Services]:
    """All five, ready; stopped at the end, and their queues deleted. A second five need a log of their own."""
    assert installation.rabbitmq is not None
    log = installation.home / log_name
    with log.open("wb") as file:
        process = await _start(installation, file, variables)
        found = Services(process, log)
        try:
            for service in SERVICES:
                await found.ready(service)
            yield found
        finally:
            await _stop(process)
            await delete_queues(installation.rabbitmq, Topology(prefix=installation.bus_prefix))


async def _start(installation: Installation, file: IO[bytes], variables: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "transfuse", "up", "--services", "--first-port", "0"),
        cwd=ROOT,
        env=installation.environment(**variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=file,
        stderr=file,
        start_new_session=True,
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask them to drain; kill what does not."""
    remaining = children(process.pid)
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
    for pid in remaining:
        if service_of(pid) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """Processes that a process has started and that still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            state, parent = stat.rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(folder.name))
    return found


def service_of(pid: int) -> str | None:
    """Which service a process is, if any."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    return next((name for name in SERVICES if f"services.{name}".encode() in words), None)


async def delete_queues(url: str, topology: Topology) -> None:
    """Remove the queues and exchanges of a prefix."""
    async with await aio_pika.connect(url) as connection:
        for name in (*(topology.queue(queue) for queue in Queue), topology.dead):
            channel = await connection.channel()
            with suppress(AMQPError):
                await channel.queue_delete(name)
        for name in (topology.work, topology.events):
            channel = await connection.channel()
            with suppress(AMQPError):
                await channel.exchange_delete(name)
