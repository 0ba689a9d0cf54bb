"""How soon browsers hear of what was committed, over two notifiers, and that they hear of nothing else."""

from __future__ import annotations

import asyncio
import math
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import aiohttp
import msgspec

from bench.clients import percentile
from bench.processes import cpu_seconds, machine, peak_mib
from bench.watchers import Watcher, listening
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import Topology
from shared.core.counts import Counts
from shared.core.ids import BatchRef
from shared.core.states import RunState
from shared.messages import BatchSettled, RunChanged
from tests.conftest import STANDARD_POSTGRES
from tests.harness.ledger import until
from tests.harness.one_service import OneService, one_service
from tests.harness.services import delete_queues
from tests.harness.sockets import own_ledger
from tests.harness.tokens import SECRET
from tests.ledgers.ledger import ROWS, Ledger, PlannedMapping, ledger_on

LIMIT_MS = 1000.0
PERIOD_SECONDS = 2.0
"""100 runs commit 50 batches a second then: at 4 to 8 MiB each that is as much as one broker carries."""
MAPPINGS = ("patients", "encounters", "observations", "notifications", "documents")
REFUSED_SHARE = 0.02
END_SECONDS = 60
SETTLE = """
    update transfuse.batch
       set state = 'settled', moved_at = clock_timestamp(), settled_at = clock_timestamp(), read_count = $4, loaded = $4
     where run_id = $1 and mapping = $2 and pass = 1 and seq = $3
"""
"""What is measured begins with the commit: what the loader does before it is measured elsewhere."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement: every run commits `batches`, one every PERIOD_SECONDS."""

    notifiers: int
    sockets: int
    rooms: int
    batches: int

    @property
    def seconds(self) -> float:
        return self.batches * PERIOD_SECONDS


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `missing` counts sockets that did not end with the ledger's final state."""

    size: Size
    commits: int
    events: int
    p50: float
    p95: float
    worst: float
    heard: float
    wrong: int
    fallen: int
    missing: int
    idle_mib: float
    peak_mib: float
    cpu_share: float


FULL = Size(notifiers=2, sockets=1000, rooms=100, batches=15)
SMALL = Size(notifiers=1, sockets=100, rooms=10, batches=15)


def main() -> int:
    print(f"command: {' '.join([Path(sys.executable).name, '-m', 'bench', *sys.argv[1:]])}")
    print(f"machine: {machine()}", flush=True)
    small, full = asyncio.run(measure(SMALL)), asyncio.run(measure(FULL))
    for measured in (small, full):
        tell(measured)
    print(f"ratio:   p95 {full.p95 / small.p95:.1f} times, events {full.events / small.events:.1f} times\n")
    broken = [line for measured in (small, full) for line in broken_by(measured)]
    for line in broken:
        print(f"BROKEN: {line}")
    return int(bool(broken))


def tell(measured: Measured) -> None:
    """The figures in words."""
    size = measured.size
    print(f"\nsockets: {size.sockets:,} in {size.rooms} rooms over {size.notifiers} notifiers, {size.seconds:.0f} s")
    print(f"         {measured.commits:,} commits, {measured.events:,} events heard")
    print(f"         from commit to client: p50 {measured.p50:.0f} ms, p95 {measured.p95:.0f} ms,")
    print(f"         at most {measured.worst:.0f} ms; {measured.heard:.1%} of all commits were heard of")
    print(f"         of rooms not granted: {measured.wrong}; older after younger: {measured.fallen};")
    print(f"         not at the final state: {measured.missing}")
    each = 1024 * (measured.peak_mib - measured.idle_mib) / size.sockets
    print(f"memory:  {measured.peak_mib:.0f} MiB in all notifiers at most, {each:.0f} KiB a socket")
    print(f"cpu:     {measured.cpu_share:.0%} of a core in all notifiers", flush=True)


def broken_by(measured: Measured) -> list[str]:
    """The promises and limits that do not hold."""
    late = f"{measured.size.sockets} sockets: p95 is {measured.p95:.0f} ms, the limit is {LIMIT_MS:.0f}"
    return untrue_of(measured) + ([] if measured.p95 <= LIMIT_MS else [late])


def untrue_of(measured: Measured) -> list[str]:
    """The promises that do not hold, however long everything took."""
    name = f"{measured.size.sockets} sockets"
    broken = []
    if measured.wrong:
        broken.append(f"{name}: {measured.wrong} events of rooms that were not granted")
    if measured.fallen:
        broken.append(f"{name}: {measured.fallen} events older than the one before")
    if measured.missing:
        broken.append(f"{name}: {measured.missing} did not end with the final state")
    return broken


async def measure(size: Size) -> Measured:
    """One measurement, on a ledger of its own."""
    rabbitmq = os.environ.get("TRANSFUSE_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")
    topology = Topology(prefix=f"bench-{secrets.token_hex(4)}")
    async with _servers(size, rabbitmq, topology) as (running, ledger), RabbitBus(rabbitmq, topology=topology) as bus:
        writer = Writer(ledger, bus, size)
        await writer.start()
        return await _measure(size, running, writer)


@asynccontextmanager
async def _servers(size: Size, rabbitmq: str, topology: Topology) -> AsyncIterator[tuple[list[OneService], Ledger]]:
    server = os.environ.get("TRANSFUSE_TEST_POSTGRES", STANDARD_POSTGRES)
    with tempfile.TemporaryDirectory(prefix="transfuse-bench-") as folder:
        async with own_ledger(server) as (database, login), ledger_on(database) as ledger:
            variables = {
                "ENVIRONMENT": "test",
                "LEDGER_DATABASE_URL": login.url.reveal(),
                "RABBITMQ_URL": rabbitmq,
                "REDIS_URL": os.environ.get("TRANSFUSE_TEST_REDIS", "redis://127.0.0.1:6379/0"),
                "BUS_PREFIX": topology.prefix,
                "JWT_SECRET": SECRET,
                "PORT": "0",
                "SOCKET_PORT": "0",
            }
            try:
                async with AsyncExitStack() as stack:
                    logs = [Path(folder) / f"notifier-{number}.log" for number in range(size.notifiers)]
                    services = [one_service("notifier", variables, log) for log in logs]
                    yield [await stack.enter_async_context(service) for service in services], ledger
            finally:
                await delete_queues(rabbitmq, topology)


class Writer:
    """What the loader does, in all runs. `commits` says by migration when each number of rows was committed."""

    def __init__(self, ledger: Ledger, bus: RabbitBus, size: Size) -> None:
        self.commits: dict[UUID, dict[int, float]] = {}
        self.rows = ROWS * size.batches
        self._ledger = ledger
        self._bus = bus
        self._size = size
        self._runs: dict[UUID, UUID] = {}

    async def start(self) -> None:
        """A run in every migration, all of its batches dispatched."""
        each = math.ceil(self._size.batches / len(MAPPINGS))
        for number in range(self._size.rooms):
            mappings = [PlannedMapping(name=name, batches=each) for name in MAPPINGS]
            run = await self._ledger.running(*mappings, migration=f"clinic {number}")
            migration = await self._ledger.connection.fetchval(
                "select migration_id from transfuse.run where id = $1", run
            )
            self._runs[migration], self.commits[migration] = run, {}
        await self._ledger.connection.execute("update transfuse.run_mapping set state = 'open'")
        await self._ledger.connection.execute(
            "update transfuse.batch set state = 'dispatched', dispatched_at = clock_timestamp()"
        )

    async def write(self) -> None:
        """Every run a batch in each period, the runs one after the other."""
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._size.batches):
                for place, migration in enumerate(self._runs):
                    due = began + PERIOD_SECONDS * (number + place / self._size.rooms)
                    await asyncio.sleep(max(due - time.perf_counter(), 0))
                    tasks.create_task(self._settle(migration, number))

    async def end(self) -> None:
        """All runs are complete."""
        await self._ledger.connection.execute("update transfuse.run set state = 'finishing'")
        await self._ledger.connection.execute("update transfuse.run set state = 'completed'")
        for run in self._runs.values():
            await self._bus.publish(RunChanged(run=run, state=RunState.COMPLETED))

    async def _settle(self, migration: UUID, number: int) -> None:
        seq, place = divmod(number, len(MAPPINGS))
        ref = BatchRef(run=self._runs[migration], mapping=MAPPINGS[place], pass_number=1, seq=seq + 1, generation=1)
        async with self._ledger.pool.acquire() as connection:
            await connection.execute(SETTLE, ref.run, ref.mapping, ref.seq, ROWS)
        self.commits[migration][ROWS * (number + 1)] = time.perf_counter()
        await self._bus.publish(BatchSettled(batch=ref, counts=Counts()))


async def _measure(size: Size, running: list[OneService], writer: Writer) -> Measured:
    pids = [notifier.pid for notifier in running]
    idle = sum(peak_mib(pid) for pid in pids)
    rooms = list(writer.commits)
    watchers = [
        Watcher(running[number % len(running)].url, room, writer.commits[room], role)
        for number in range(size.sockets)
        for room in [rooms[number // len(running) % len(rooms)]]
        for role in ["viewer" if number >= REFUSED_SHARE * size.sockets else None]
    ]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as tasks:
        listeners = await listening(watchers, http, tasks)
        before = sum(cpu_seconds(pid) for pid in pids)
        await writer.write()
        used = sum(cpu_seconds(pid) for pid in pids) - before
        await writer.end()
        granted = [watcher for watcher in watchers if watcher.is_granted]
        missing = await _not_at_the_end(granted, writer.rows)
        peak = sum(peak_mib(pid) for pid in pids)
        for listener in listeners:
            listener.cancel()
    delays = [delay for watcher in granted for delay in watcher.delays]
    return Measured(
        size=size,
        commits=size.rooms * size.batches,
        events=sum(watcher.events for watcher in watchers),
        p50=percentile(delays, 0.5),
        p95=percentile(delays, 0.95),
        worst=1000 * max(delays),
        heard=len(delays) / (len(granted) * size.batches),
        wrong=sum(watcher.wrong for watcher in watchers),
        fallen=sum(watcher.fallen for watcher in watchers),
        missing=missing,
        idle_mib=idle,
        peak_mib=peak,
        cpu_share=used / size.seconds,
    )


async def _not_at_the_end(watchers: list[Watcher], rows: int) -> int:
    async def all_there() -> bool:
        return all(watcher.is_at(rows) for watcher in watchers)

    try:
        await until(all_there, END_SECONDS)
    except TimeoutError:
        return sum(not watcher.is_at(rows) for watcher in watchers)
    return 0
