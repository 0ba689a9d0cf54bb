"""Another portal by the same plan: every row, cent and planted defect, beside what its manifest says."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import msgspec

from bench.agreement import disagreements
from bench.portal import MEMORY_LIMIT_MIB, PLANNING_LIMIT_SECONDS, between, database_of, planned, version
from bench.processes import machine, peak_mib
from shared.core.states import RunState
from shared.ledger.snapshots import RunSnapshot
from tests.conftest import STANDARD_POSTGRES
from tests.harness.command_line import started
from tests.harness.databases import filled, sweep
from tests.harness.installation import Installation, installed
from tests.harness.ledger import ledger_of
from tests.harness.portal import PLAN, Portal, fill_portal, opened, portal_target
from tests.harness.services import services

SEED = 21
"""The bench `portal` migrates seed 7."""
LONGEST_SECONDS = 3600


class Migrated(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the plan and all that does not agree with the manifest."""

    snapshot: RunSnapshot
    planned_seconds: float
    peak_mib: float
    different: list[str]


def main(scale: float) -> int:
    """Print everything; 1 when something differs or a limit is broken."""
    return asyncio.run(_main(scale))


async def _main(scale: float) -> int:
    server = os.environ.get("TRANSFUSE_TEST_POSTGRES", STANDARD_POSTGRES)
    rabbitmq = os.environ.get("TRANSFUSE_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")
    print(f"command: {' '.join([Path(sys.executable).name, '-m', 'bench', *sys.argv[1:]])}")
    print(f"machine: {machine()}, {await version(server)}", flush=True)
    try:
        return report(SEED, await _migrate(server, rabbitmq, scale, SEED))
    finally:
        await sweep(server)


async def _migrate(server: str, rabbitmq: str, scale: float, seed: int) -> Migrated:
    name = database_of(scale, seed)
    print(f"source:  scale {scale:g}, seed {seed}, in database {name}, generated if it is not there", flush=True)
    portal = await opened(await filled(server, name, lambda url: fill_portal(url, scale, seed)))
    template = await portal_target(server)
    with tempfile.TemporaryDirectory(prefix="transfuse-bench-") as folder:
        async with installed(
            Path(folder), server=server, legacy=portal.legacy, template=template, rabbitmq=rabbitmq
        ) as installation:
            async with services(installation) as five, started(installation, "run", str(PLAN)) as command:
                await asyncio.wait_for(command.communicate(), LONGEST_SECONDS)
                peak = max(peak_mib(pid) for pid in five.pids().values())
            return await _compared(installation, portal, peak)


async def _compared(installation: Installation, portal: Portal, peak: float) -> Migrated:
    async with ledger_of(installation) as ledger:
        run = await ledger.youngest()
        snapshot = await ledger.progress.read(run)
        planned_seconds = await planned(ledger, snapshot)
    return Migrated(
        snapshot=snapshot,
        planned_seconds=planned_seconds,
        peak_mib=peak,
        different=await disagreements(portal, installation.target, run, snapshot),
    )


def report(seed: int, found: Migrated) -> int:
    """Print one run; 1 when something of it is not as promised."""
    snapshot, counts = found.snapshot, found.snapshot.counts
    if snapshot.state is not RunState.COMPLETED:
        print(f"BROKEN: the run is {snapshot.state}: {snapshot.message}")
        return 1
    seconds = between(snapshot.started_at, snapshot.finished_at)
    print(
        f"seed {seed}: {counts.read:,} rows by {len(snapshot.balances)} mappings in {seconds:.1f} s "
        f"({counts.read / seconds:,.0f} rows/s), planned in {found.planned_seconds:.1f} s "
        f"(limit {PLANNING_LIMIT_SECONDS:.0f} s), largest process {found.peak_mib:.0f} MiB (limit {MEMORY_LIMIT_MIB})"
    )
    print(f"         loaded {counts.loaded:,}, filtered {counts.filtered:,}, quarantined {counts.quarantined:,}")
    broken = list(found.different)
    if found.planned_seconds > PLANNING_LIMIT_SECONDS:
        broken.append(f"planned in {found.planned_seconds:.1f} s")
    if found.peak_mib > MEMORY_LIMIT_MIB:
        broken.append(f"a process held {found.peak_mib:.0f} MiB")
    for line in broken:
        print(f"BROKEN: {line}")
    if not broken:
        print("         rows, cents, defects, facts, foreign keys and triggers: all as the manifest says")
    return int(bool(broken))
