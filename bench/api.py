"""The API over a ledger of years: reads, starts, a flood, and 2,000 requests that nobody foresaw."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import aiohttp
import asyncpg

from bench.api_flood import CLIENTS, Flooded, flood
from bench.api_reads import Timed, not_timed, places, time_reads
from bench.api_starts import time_starts
from bench.clients import clients
from bench.gateway import gateway
from bench.ledger_of_years import freshen, ledger_of_years
from bench.processes import machine, peak_mib
from tests.conftest import STANDARD_POSTGRES
from tests.harness.databases import copied, sweep
from tests.harness.installation import ROOT

READ_LIMIT_MS = 50.0
START_LIMIT_MS = 200.0
OTHER_LIMIT_MS = 200.0
MOST_FLOOD_ERROR = 0.01
CASES = "2000"
CONFORMANCE = "tests/integration/gateway/api/test_openapi.py"
CONFORMANCE_SECONDS = 1200


def main() -> int:
    broken = asyncio.run(_main()) + _conformance()
    for line in broken:
        print(f"BROKEN: {line}")
    return int(bool(broken))


async def _main() -> list[str]:
    server = os.environ.get("TRANSFUSE_TEST_POSTGRES", STANDARD_POSTGRES)
    rabbitmq = os.environ.get("TRANSFUSE_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")
    redis = os.environ.get("TRANSFUSE_TEST_REDIS", "redis://127.0.0.1:6379/0")
    print(f"command: {' '.join([Path(sys.executable).name, '-m', 'bench', *sys.argv[1:]])}")
    print(f"machine: {machine()}, {await _version(server)}", flush=True)
    try:
        template = await ledger_of_years(server)
        async with copied(server, template) as database:
            await freshen(database)
            with tempfile.TemporaryDirectory(prefix="transfuse-bench-") as folder:
                log = Path(folder) / "gateway.log"
                async with gateway(database, rabbitmq=rabbitmq, redis=redis, log=log) as running:
                    broken = await _measure(running.url, database)
                    print(f"memory:  the gateway held {peak_mib(running.pid):.0f} MiB at most\n", flush=True)
        return broken
    finally:
        await sweep(server)


async def _measure(url: str, database: str) -> list[str]:
    timeout = aiohttp.ClientTimeout(total=60)
    connector = aiohttp.TCPConnector(limit=CLIENTS + 1)
    async with aiohttp.ClientSession(url, timeout=timeout, connector=connector) as http:
        users, known = clients(http), await places(database)
        reads = await time_reads(users, known)
        _table(reads, READ_LIMIT_MS)
        for line in not_timed(known):
            print(f"not timed: {line}")
        starts = await time_starts(users)
        _table([starts], START_LIMIT_MS)
        read = [f"/api/runs/{run}/status" for run in known.runs]
        flooded = await flood(http, f"/api/runs/{known.runs[0]}", read)
    _tell(flooded)
    return [*_broken(reads, READ_LIMIT_MS), *_broken([starts], START_LIMIT_MS), *_broken_by(flooded)]


def _table(rows: list[Timed], limit: float) -> None:
    print(f"\n{f'p95 below {limit:.0f} ms':<44}{'requests':>10}{'p50, ms':>10}{'p95, ms':>10}{'p99, ms':>10}")
    for row in rows:
        wrong = f"   {row.wrong} NOT 2xx" if row.wrong else ""
        print(f"{row.name:<44}{row.count:>10}{row.p50:>10.1f}{row.p95:>10.1f}{row.p99:>10.1f}{wrong}", flush=True)


def _tell(flooded: Flooded) -> None:
    print(f"\nflood:   {CLIENTS} clients as one user, {flooded.asked:,} requests in {flooded.seconds:.0f} s")
    print(f"         allowed {flooded.allowed}, the limit is {flooded.expected:.0f}: off by {flooded.error:.2%}")
    print(
        f"         another user meanwhile: {flooded.others} reads of a run's status, p95 {flooded.other_p95:.1f} ms\n"
    )


def _broken(rows: list[Timed], limit: float) -> list[str]:
    slow = [f"{row.name}: p95 is {row.p95:.1f} ms, the limit is {limit:.0f}" for row in rows if row.p95 >= limit]
    return slow + [f"{row.name}: {row.wrong} of {row.count} were not answered with 2xx" for row in rows if row.wrong]


def _broken_by(flooded: Flooded) -> list[str]:
    broken = list[str]()
    if flooded.error > MOST_FLOOD_ERROR:
        broken.append(f"a flood got {flooded.allowed} requests through, the limit is {flooded.expected:.0f} ± 1 %")
    if flooded.other_p95 >= OTHER_LIMIT_MS:
        broken.append(f"a flood slows others to {flooded.other_p95:.1f} ms at p95, the limit is {OTHER_LIMIT_MS:.0f}")
    if flooded.other_wrong:
        broken.append(f"{flooded.other_wrong} reads of another user failed during a flood")
    return broken


def _conformance() -> list[str]:
    """The test of the served document with more cases than in `make test`."""
    environment = {**os.environ, "TRANSFUSE_SCHEMATHESIS_CASES": CASES}
    words = ["-m", "pytest", "-q", "-s", "-p", "no:randomly", "--timeout", str(CONFORMANCE_SECONDS), CONFORMANCE]
    print(f"conformance: {CASES} cases of schemathesis", flush=True)
    try:
        ended = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=environment, timeout=CONFORMANCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"the served document was not checked within {CONFORMANCE_SECONDS} s"]
    return [f"the served document is not kept, see above ({CONFORMANCE})"] if ended.returncode else []


async def _version(server: str) -> str:
    connection = await asyncpg.connect(server)
    try:
        return f"PostgreSQL {await connection.fetchval('show server_version')}"
    finally:
        await connection.close()
