"""A verify of a million rows by five processes: exactly what was planted is found; its time beside the load's."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.portal import LONGEST_SECONDS, between, version
from bench.processes import machine
from shared.core.states import RunState
from shared.ledger.snapshots import RunSnapshot
from tests.conftest import STANDARD_POSTGRES
from tests.harness.archive import Archive, Planted, installed_archive, plant
from tests.harness.command_line import said, started
from tests.harness.databases import sweep
from tests.harness.servers import Servers
from tests.harness.services import services

PEOPLE = 1_000_000
SEED = 20261123
TARGET_SHARE = 0.6
"""Of the load's time."""


def main(scale: float) -> int:
    """Print everything; 1 where something planted was not found, or something else was."""
    return asyncio.run(_main(round(PEOPLE * scale)))


async def _main(people: int) -> int:
    server = os.environ.get("TRANSFUSE_TEST_POSTGRES", STANDARD_POSTGRES)
    rabbitmq = os.environ.get("TRANSFUSE_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")
    print(f"command: {' '.join([Path(sys.executable).name, '-m', 'bench', *sys.argv[1:]])}")
    print(f"machine: {machine()}, {await version(server)}")
    print(f"source:  {people:,} people in 100 towns, 9 columns; planted with seed {SEED}", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="transfuse-bench-") as folder:
            servers = Servers(postgres=server, rabbitmq=rabbitmq, folder=lambda: Path(folder))
            async with installed_archive(servers, people, rabbitmq=True) as sides, services(sides.installation):
                return await _measured(sides)
    finally:
        await sweep(server)


async def _measured(sides: Archive) -> int:
    loaded = await _run(sides, "run", str(sides.plan))
    if loaded.state is not RunState.COMPLETED:
        print(f"FAILED: the load ended as {loaded.state} {loaded.reason}")
        return 1
    equal = await _run(sides, "verify")
    false = await sides.findings()
    planted = await plant(sides.target, SEED)
    different = await _run(sides, "verify")
    return report(loaded, equal, different, planted, Counter(await sides.findings()), len(false))


async def _run(sides: Archive, *words: str) -> RunSnapshot:
    """One run by the services, started from the command line."""
    async with started(sides.installation, *words) as command:
        await said(command, LONGEST_SECONDS)
    return await sides.ledger.progress.read(await sides.ledger.youngest())


def report(
    loaded: RunSnapshot,
    equal: RunSnapshot,
    different: RunSnapshot,
    planted: Planted,
    found: Counter[tuple[str, str, tuple[str, ...], bool | None]],
    false: int,
) -> int:
    """Print the figures; 1 where findings are not exactly what was planted."""
    expected = Counter(planted.findings)
    hits, others = (expected & found).total(), (found - expected).total()
    load, verify = (between(run.started_at, run.finished_at) for run in (loaded, equal))
    again = between(different.started_at, different.finished_at)
    print(f"load:    {loaded.counts.read:,} rows in {load:.1f} s")
    print(f"verify:  {equal.counts.read:,} rows in {verify:.1f} s, {false} differences where there are none")
    print(
        f"         {verify / load:.0%} of the load's time (target {TARGET_SHARE:.0%}), {again:.1f} s with differences"
    )
    print(f"found:   {hits} of {expected.total()} planted, {others} others")
    right = hits == expected.total() and not others and not false
    print("passed" if right else "FAILED: not exactly what was planted")
    return 0 if right else 1
