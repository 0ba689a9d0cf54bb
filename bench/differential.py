"""A differential of 1,000 changes among 500,000 rows by five processes: exactly those are written, no other row."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import msgspec

from bench.portal import LONGEST_SECONDS, MEMORY_LIMIT_MIB, between, version
from bench.processes import machine, peak_mib
from shared.core.passes import REMOVAL
from shared.core.states import RunState
from shared.ledger.snapshots import RunSnapshot
from tests.conftest import STANDARD_POSTGRES
from tests.harness.command_line import started
from tests.harness.databases import sweep
from tests.harness.installation import Installation
from tests.harness.ledger import ledger_of
from tests.harness.practice import (
    SOURCE,
    TARGET_ROWS,
    VERSIONS,
    Changes,
    Rows,
    change,
    changes_between,
    practice,
    read,
)
from tests.harness.servers import Servers
from tests.harness.services import Services, services

ROWS = 500_000
CHANGES = 1_000
SEED = 20261123


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """One run and what it changed: rows that were written by table."""

    snapshot: RunSnapshot
    written: dict[str, Changes]
    versions: dict[str, Rows]

    @property
    def seconds(self) -> float:
        return between(self.snapshot.started_at, self.snapshot.finished_at)


def main(scale: float) -> int:
    """Print everything; 1 when another row than those that changed was written, or one of them was not."""
    return asyncio.run(_main(round(ROWS * scale), max(round(CHANGES * scale), 60)))


async def _main(row_count: int, change_count: int) -> int:
    server = os.environ.get("TRANSFUSE_TEST_POSTGRES", STANDARD_POSTGRES)
    rabbitmq = os.environ.get("TRANSFUSE_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")
    print(f"command: {' '.join([Path(sys.executable).name, '-m', 'bench', *sys.argv[1:]])}")
    print(f"machine: {machine()}, {await version(server)}")
    print(f"source:  {row_count:,} rows in two tables, a tree and its leaves; {change_count:,} changes, seed {SEED}")
    try:
        with tempfile.TemporaryDirectory(prefix="transfuse-bench-") as folder:
            servers = Servers(postgres=server, rabbitmq=rabbitmq, folder=lambda: Path(folder))
            async with (
                practice(servers, row_count, rabbitmq=True) as (installation, legacy),
                services(installation) as five,
            ):
                return await _measured(installation, five, legacy, change_count)
    finally:
        await sweep(server)


async def _measured(installation: Installation, five: Services, legacy: str, change_count: int) -> int:
    nothing: dict[str, Rows] = {table: {} for table in SOURCE}
    first = await _run(installation, nothing, "--mode", "insert")
    before = await read(legacy, SOURCE)
    await change(legacy, change_count, SEED)
    after = await read(legacy, SOURCE)
    wanted = changes_between(before, after)
    merge = await _run(installation, first.versions, "--mode", "merge")
    again = await _run(installation, merge.versions, "--mode", "merge")
    same = await read(installation.target, TARGET_ROWS) == after
    peak = max(peak_mib(pid) for pid in five.pids().values())
    head = f"{'run':<24}{'rows read':>12}{'s':>8}{'rows/s':>10}"
    print(f"\n{head}{'loaded':>9}{'updated':>9}{'unchanged':>11}{'deleted':>9}")
    for name, done in (("insert", first), ("merge, after changes", merge), ("merge, nothing changed", again)):
        print(_line(name, done))
    print(f"\nlargest process {peak:.0f} MiB (limit {MEMORY_LIMIT_MIB})")
    broken = [
        f"the {name} is {done.snapshot.state}: {done.snapshot.message}"
        for name, done in (("insert", first), ("merge", merge), ("second merge", again))
        if done.snapshot.state is not RunState.COMPLETED
    ]
    if merge.written != wanted:
        broken.append("the merge wrote other rows than those that changed")
    if any(changes.count for changes in again.written.values()):
        broken.append("a merge of an unchanged source wrote rows")
    if not same:
        broken.append("the target is not what the source is")
    if peak > MEMORY_LIMIT_MIB:
        broken.append(f"a process held {peak:.0f} MiB")
    for line in broken:
        print(f"BROKEN: {line}")
    if not broken:
        count = sum(changes.count for changes in wanted.values())
        print(f"exactly {count:,} rows were written or deleted, by their xmin and place; all others are as they were")
    return int(bool(broken))


async def _run(installation: Installation, before: dict[str, Rows], *words: str) -> Done:
    plan = str(installation.home / "plan.yml")
    async with started(installation, "run", plan, *words) as command:
        _, said = await asyncio.wait_for(command.communicate(), LONGEST_SECONDS)
        if command.returncode:
            raise SystemExit(f"transfuse run {' '.join(words)} ended with {command.returncode}: {said.decode()}")
    async with ledger_of(installation) as ledger:
        snapshot = await ledger.progress.read(await ledger.youngest())
    versions = await read(installation.target, VERSIONS)
    return Done(snapshot=snapshot, written=changes_between(before, versions), versions=versions)


def _line(name: str, done: Done) -> str:
    first = [one.counts for one in done.snapshot.mappings if one.pass_number == 1]
    removed = [one.counts for one in done.snapshot.mappings if one.pass_number == REMOVAL]
    read_rows = sum(counts.read for counts in first)
    figures = (
        sum(counts.loaded for counts in first),
        sum(counts.updated for counts in first),
        sum(counts.unchanged for counts in first),
        sum(counts.deleted for counts in removed),
    )
    loaded, updated, unchanged, deleted = figures
    return (
        f"{name:<24}{read_rows:>12,}{done.seconds:>8.1f}{read_rows / done.seconds:>10,.0f}"
        f"{loaded:>9,}{updated:>9,}{unchanged:>11,}{deleted:>9,}"
    )
