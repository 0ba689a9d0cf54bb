"""How soon a browser with an empty cache draws the chart of a run, and how much script that takes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import msgspec

from bench.processes import machine
from tests.browser.pages import look
from tests.browser.programs import ProgramMissingError, chromium
from tests.browser.stack import stack

LOADS = 15
LIMIT_MS = 1000.0
"""Held on the median: a worst load on a machine that does something else besides says little about the page."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """One load of the page; the names are those of `dashboard/e2e/firstChart.ts`."""

    milliseconds: float
    bytes: int


def main() -> int:
    print(f"command: {' '.join([Path(sys.executable).name, '-m', 'bench', *sys.argv[1:]])}")
    print(f"machine: {machine()}")
    with tempfile.TemporaryDirectory(prefix="transfuse-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user, below it
        try:
            print(f"browser: {_version(chromium())}", flush=True)
            return asyncio.run(_main(folder))
        except ProgramMissingError as missing:
            print(f"BROKEN: {missing}")
            return 2


async def _main(folder: Path) -> int:
    figures = folder / "loads.json"
    async with stack(folder) as running:
        seen = await look(
            running,
            folder,
            files="**/first_chart.bench.ts",
            TRANSFUSE_LOADS=str(LOADS),
            TRANSFUSE_FIGURES=str(figures),
        )
    if seen.code:
        print(f"BROKEN: the loads did not come to their end\n{seen.text}")
        return 1
    return report(msgspec.json.decode(figures.read_bytes(), type=list[Load]))


def report(loads: list[Load]) -> int:
    """Print everything; 1 when the limit is broken."""
    took = [load.milliseconds for load in loads]
    middle = median(took)
    print(f"\npages:   {len(loads)} loads of a run's page, the cache empty before each")
    print(f"         until the chart is drawn: median {middle:.0f} ms, best {min(took):.0f}, worst {max(took):.0f} ms")
    print(f"script:  {max(load.bytes for load in loads) / 1000:.0f} kB, compressed\n")
    if middle > LIMIT_MS:
        print(f"BROKEN: the median is {middle:.0f} ms, the limit is {LIMIT_MS:.0f}")
        return 1
    return 0


def _version(browser: Path) -> str:
    done = subprocess.run([browser, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
