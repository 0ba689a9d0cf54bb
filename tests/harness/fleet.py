"""The five services, each a process that is started again as soon as it ends: a test may do to them what it likes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from shared.bus.topology import Topology
from tests.harness.installation import ROOT, Installation
from tests.harness.ledger import until
from tests.harness.one_service import lines_of
from tests.harness.services import delete_queues
from transfuse.exit_codes import ExitCode
from transfuse.workspace import SERVICES, Workspace

ANY_PORT: Mapping[str, str] = {"PORT": "0", "API_PORT": "0", "SOCKET_PORT": "0"}
TWO_LOADERS = (*SERVICES, "loader")


class Member:
    """One service, and every process that it has been."""

    def __init__(self, name: str, service: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.service = service
        self.log = log
        self.deaths: list[int] = []
        self.spawned = 0
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._seen = 0

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def port(self) -> int | None:
        """Where the youngest process answers, once it does."""
        ports = [line["port"] for line in self.lines() if line["event"] == "started" and "port" in line]
        return ports[-1] if len(ports) == self.spawned else None

    def lines(self) -> list[dict[str, Any]]:
        """What all of its processes have logged."""
        return lines_of(self.log)

    def ready_count(self) -> int:
        """How often it was ready."""
        return sum(line["event"] == "ready" for line in self.lines())

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def is_halted(self) -> bool:
        """Whether it was stopped by a signal and waits for SIGCONT."""
        if self.pid is None:
            return False
        with suppress(OSError):
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace")
            return stat.rpartition(")")[2].split()[0] == "T"
        return False

    async def keep_alive(self) -> None:
        """Start it, and again whenever it ends, until cancelled."""
        with self.log.open("ab") as file:
            while True:
                self.spawned += 1
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", f"services.{self.service}"),
                    cwd=ROOT,
                    env=dict(self._environment),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                )
                try:
                    self.deaths.append(await self._process.wait())
                finally:
                    self.send(signal.SIGKILL)
                    await self._process.wait()
                if self.deaths[-1] == ExitCode.USAGE:
                    raise RuntimeError(f"the {self.name} refuses its settings: {self.log.read_text(encoding='utf-8')}")


class Fleet:
    """The services while they are kept alive."""

    def __init__(self, members: Iterable[Member]) -> None:
        self.members = {member.name: member for member in members}
        self._duplicates: dict[tuple[str, int], int] = {}

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    async def ready(self) -> None:
        """Return when every process that runs now is ready."""

        async def there() -> bool:
            return all(one.ready_count() + len(one.deaths) >= one.spawned for one in self.members.values())

        await until(there)

    async def duplicates(self) -> int:
        """Batches that came to the loaders again after they were settled, as far as their counters were read."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            for member in self.members.values():
                if member.service == "loader" and member.pid is not None and (port := member.port) is not None:
                    with suppress(aiohttp.ClientError, TimeoutError):
                        async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
                            self._duplicates[member.name, member.spawned] = _counted(await response.text())
        return sum(self._duplicates.values())

    def tracebacks(self) -> list[str]:
        """The members that wrote one."""
        return [name for name, one in self.members.items() if "Traceback" in one.log.read_text(encoding="utf-8")]


@asynccontextmanager
async def fleet(
    installation: Installation, names: Iterable[str] = SERVICES, *, rabbitmq: str | None = None, **variables: str
) -> AsyncIterator[Fleet]:
    """A process for each name, ready; killed at the end, and their queues deleted. A name may come twice.

    `rabbitmq` is where the queues are deleted, if not where the services find them.
    """
    assert installation.rabbitmq is not None
    members: list[Member] = []
    for name in names:
        number = 1 + sum(member.service == name for member in members)
        kept = Workspace(installation.home).environment(name, installation.environment(**variables))
        label = name if number == 1 else f"{name} {number}"
        members.append(Member(label, name, {**kept, **ANY_PORT}, installation.home / f"{label}.log"))
    for member in members:
        member.log.touch()
    found = Fleet(members)
    keeping = [asyncio.create_task(member.keep_alive(), name=f"keep {member.name}") for member in members]
    try:
        await found.ready()
        yield found
        assert not [task for task in keeping if task.done()], "a service was given up"
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        await delete_queues(rabbitmq or installation.rabbitmq, Topology(prefix=installation.bus_prefix))


def _counted(page: str) -> int:
    lines = [line for line in page.splitlines() if line.startswith("transfuse_duplicate_batches_total ")]
    return int(float(lines[0].split()[1])) if lines else 0
