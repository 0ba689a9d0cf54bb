"""How long the portal's whole plan takes to compile, held against both databases, in a process of its own each time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from statistics import median

import asyncpg
import msgspec

from bench.processes import machine
from services.extractor.compilation import compile_run
from shared.plan.reader import plan_files
from tests.conftest import STANDARD_POSTGRES
from tests.harness.databases import sweep, url_of
from tests.harness.portal import PLAN, portal, portal_target

TIMES = 5
LIMIT_SECONDS = 2.0
"""Held on the median of the wall clock."""


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """One compilation. CPU is that of the compiling process alone."""

    seconds: float
    cpu_seconds: float
    mappings: int
    columns: int


def main() -> int:
    print(f"command: {' '.join(['python', '-m', 'bench', *sys.argv[1:]])}")
    print(f"machine: {machine()}", flush=True)
    return report(asyncio.run(_main(os.environ.get("TRANSFUSE_TEST_POSTGRES", STANDARD_POSTGRES))))


async def _main(server: str) -> list[Compiled]:
    try:
        legacy = (await portal(server, 0.01)).owner
        target = url_of(server, database=await portal_target(server))
        return [await asyncio.to_thread(_fresh, legacy, target) for _ in range(TIMES)]
    finally:
        await sweep(server)


def _fresh(legacy: str, target: str) -> Compiled:
    """One compilation in a new process, which remembers nothing."""
    command = [sys.executable, "-m", "bench.compile", legacy, target]
    done = subprocess.run(command, capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=Compiled)


async def once(legacy_url: str, target_url: str) -> Compiled:
    """Read the plan's files and compile them; what is imported before does not count."""
    legacy, target = await asyncpg.connect(legacy_url), await asyncpg.connect(target_url)
    try:
        began, cpu = time.perf_counter(), time.process_time()
        async with legacy.transaction(isolation="repeatable_read", readonly=True):
            found = await compile_run(plan_files(PLAN), legacy, target, transfuse_version="0")
        return Compiled(
            seconds=time.perf_counter() - began,
            cpu_seconds=time.process_time() - cpu,
            mappings=len(found.plan.mappings),
            columns=sum(len(mapping.columns) for mapping in found.plan.mappings),
        )
    finally:
        await legacy.close()
        await target.close()


def report(times: list[Compiled]) -> int:
    """Print everything; 1 when the limit is broken."""
    seconds, cpu = median(one.seconds for one in times), median(one.cpu_seconds for one in times)
    plan = times[0]
    print(f"\nplan:    {plan.mappings} mappings, {plan.columns} columns, {len(times)} times, a fresh process each")
    print(
        f"compile: median {seconds:.2f} s, worst {max(one.seconds for one in times):.2f} s; {cpu:.2f} CPU s of its own"
    )
    print(f"         {seconds / plan.mappings * 1000:.0f} ms per mapping (limit {LIMIT_SECONDS:.0f} s in all)\n")
    if seconds > LIMIT_SECONDS:
        print(f"BROKEN: the median is {seconds:.2f} s, the limit is {LIMIT_SECONDS:.0f}")
        return 1
    return 0


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(once(*sys.argv[1:]))))
