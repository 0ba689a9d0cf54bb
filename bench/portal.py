"""The whole portal by five processes on RabbitMQ: rows a second, CPU per million rows, memory; beside two rivals."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec

from bench.agreement import disagreements
from bench.processes import cpu_seconds, machine, peak_mib, server_seconds
from bench.rivals import Measured, pipe, usual_script
from shared.core.states import RunState
from shared.ledger.snapshots import RunSnapshot
from tests.conftest import STANDARD_POSTGRES
from tests.harness.command_line import started
from tests.harness.databases import filled, sweep
from tests.harness.installation import ROOT, installed
from tests.harness.ledger import LedgerView, ledger_of
from tests.harness.portal import PLAN, SEED, fill_portal, opened, portal_target
from tests.harness.services import services

MEMORY_LIMIT_MIB = 400
SCRIPT_RATIO = 10
PLANNING_LIMIT_SECONDS = 20.0
"""From the run's start to its first batch being ready: checked, compiled, counted, cut."""
LONGEST_SECONDS = 3600
MEASURED_MAPPING = "system_messages"


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """One run of ours: CPU seconds and peak memory by process."""

    snapshot: RunSnapshot
    different: list[str]
    planned_seconds: float
    cpu: dict[str, float]
    peak: dict[str, float]

    @property
    def seconds(self) -> float:
        return between(self.snapshot.started_at, self.snapshot.finished_at)

    @property
    def mapping_rate(self) -> float:
        """Rows a second of the mapping that the rivals move, too."""
        found = next(one for one in self.snapshot.mappings if one.mapping == MEASURED_MAPPING)
        return found.counts.read / between(found.started_at, found.settled_at)


def between(start: datetime | None, end: datetime | None) -> float:
    """Seconds; endless where one of the two never came."""
    return math.inf if start is None or end is None else (end - start).total_seconds()


def main(scale: float) -> int:
    return asyncio.run(_main(scale))


async def _main(scale: float) -> int:
    server = os.environ.get("TRANSFUSE_TEST_POSTGRES", STANDARD_POSTGRES)
    rabbitmq = os.environ.get("TRANSFUSE_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")
    print(f"command: {' '.join([Path(sys.executable).name, '-m', 'bench', *sys.argv[1:]])}")
    print(f"machine: {machine()}, {await version(server)}", flush=True)
    try:
        portal = await opened(await _legacy(server, scale))
        legacy = portal.legacy
        with tempfile.TemporaryDirectory(prefix="transfuse-bench-") as folder:
            template = await portal_target(server)
            async with installed(
                Path(folder), server=server, legacy=legacy, template=template, rabbitmq=rabbitmq
            ) as installation:
                binary_pipe = await pipe(legacy, installation.target)
                async with services(installation) as five, started(installation, "run", str(PLAN)) as command:
                    pids = five.pids()
                    before = _cpu(pids)
                    await asyncio.wait_for(command.communicate(), LONGEST_SECONDS)
                    cpu = {name: value - before[name] for name, value in _cpu(pids).items()}
                    peak = {name: peak_mib(pid) for name, pid in pids.items()}
                async with ledger_of(installation) as ledger:
                    run = await ledger.youngest()
                    snapshot = await ledger.progress.read(run)
                    planned_seconds = await planned(ledger, snapshot)
                different = await disagreements(portal, installation.target, run, snapshot)
                shallow = await usual_script(legacy, installation.target, spread=False)
                script = await usual_script(legacy, installation.target, spread=True)
        return report(
            Ours(snapshot=snapshot, different=different, planned_seconds=planned_seconds, cpu=cpu, peak=peak),
            binary_pipe,
            shallow,
            script,
        )
    finally:
        await sweep(server)


async def _legacy(server: str, scale: float) -> str:
    """The portal at this scale, kept in the server for the next time."""
    name = database_of(scale, SEED)
    print(f"source:  scale {scale:g} in database {name}, generated if it is not there", flush=True)
    return await filled(server, name, lambda url: fill_portal(url, scale))


def database_of(scale: float, seed: int) -> str:
    """The database that keeps a generated portal: one per scale, seed and generator."""
    source = ROOT / "transfuse" / "samples" / "portal"
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(source.rglob("*.py"))))
    return f"transfuse_bench_{round(scale * 1000)}_{seed}_{digest.hexdigest()[:8]}"


async def planned(ledger: LedgerView, snapshot: RunSnapshot) -> float:
    """Seconds from the start of the run until it was `running`."""
    events = await ledger.progress.events(snapshot.run)
    states = [event.at for event in events if event.kind == "state" and event.detail["state"] == RunState.RUNNING]
    return between(snapshot.started_at, states[0] if states else None)


def _cpu(pids: dict[str, int]) -> dict[str, float]:
    found = {name: cpu_seconds(pid) for name, pid in pids.items()}
    for name, program in (("PostgreSQL", "postgres"), ("RabbitMQ", "beam.smp")):
        seconds = server_seconds(program)
        if seconds is not None:
            found[name] = seconds
    return found


async def version(server: str) -> str:
    """What the server calls itself."""
    connection = await asyncpg.connect(server)
    try:
        return f"PostgreSQL {await connection.fetchval('show server_version')}"
    finally:
        await connection.close()


def report(ours: Ours, binary_pipe: Measured, shallow: Measured, script: Measured) -> int:
    """Print everything; 1 when a limit is broken."""
    rows = ours.snapshot.counts.read
    if ours.snapshot.state is not RunState.COMPLETED:
        print(f"BROKEN: the run is {ours.snapshot.state}: {ours.snapshot.message}")
        return 1
    print(f"\nrun:     {ours.snapshot.state}, {rows:,} rows in {ours.seconds:.1f} s: {rows / ours.seconds:,.0f} rows/s")
    print(f"planned in {ours.planned_seconds:.1f} s (limit {PLANNING_LIMIT_SECONDS:.0f} s)")
    agrees = "every mapping balances; rows, cents, planted defects, foreign keys and triggers as the manifest says"
    print(f"balance: {'NOT AS THE MANIFEST SAYS' if ours.different else agrees}\n")
    print(f"{'process':<14}{'CPU s per million rows':>24}{'peak RSS, MiB':>16}")
    for name, seconds in ours.cpu.items():
        memory = f"{ours.peak[name]:,.0f}" if name in ours.peak else ""
        print(f"{name:<14}{seconds / rows * 1e6:>24.2f}{memory:>16}")
    print("(PostgreSQL and RabbitMQ with everything else that they did meanwhile)\n")
    print(f"{'same rows by':<46}{'rows/s':>12}{'client CPU s/million':>22}{'ours is':>12}")
    ours_rate = ours.mapping_rate
    print(f"{'ours, ' + MEASURED_MAPPING + ' (reshaped, indexed, ledger)':<46}{ours_rate:>12,.0f}")
    for name, one in (
        ("psql COPY binary | psql COPY binary, no index", binary_pipe),
        (f"usual script, the first {shallow.row_count:,} rows", shallow),
        (f"usual script, {script.row_count:,} rows all over", script),
    ):
        cpu = one.client_cpu_seconds / one.row_count * 1e6
        ratio = ours_rate / one.rows_per_second
        print(f"{name:<46}{one.rows_per_second:>12,.0f}{cpu:>22.2f}{ratio:>10.2f} x")
    return int(_broken(ours, script))


def _broken(ours: Ours, script: Measured) -> bool:
    wrong = [
        f"{name} held {mib:.0f} MiB, the limit is {MEMORY_LIMIT_MIB}"
        for name, mib in ours.peak.items()
        if mib > MEMORY_LIMIT_MIB
    ]
    if ours.mapping_rate < SCRIPT_RATIO * script.rows_per_second:
        wrong.append(f"less than {SCRIPT_RATIO} times as fast as the usual script over the table")
    if ours.planned_seconds > PLANNING_LIMIT_SECONDS:
        wrong.append(f"planned in {ours.planned_seconds:.1f} s, the limit is {PLANNING_LIMIT_SECONDS:.0f}")
    wrong += ours.different
    for line in wrong:
        print(f"BROKEN: {line}")
    return bool(wrong)
