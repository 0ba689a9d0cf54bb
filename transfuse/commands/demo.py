"""`transfuse demo`: a whole migration on this machine, held against what was planted in it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from shared.core.errors import Refused
from shared.core.run_options import RunOptions
from shared.plan.reader import read_plan
from transfuse.demo_report import report
from transfuse.embedded.databases import EmbeddedDatabases, embedded_databases
from transfuse.embedded.legacy_reader import make_reader
from transfuse.following import follow
from transfuse.installation import install
from transfuse.ledger_runs import LedgerRuns
from transfuse.operator import actor, console, operator, run_async
from transfuse.samples.portal.generate import generate
from transfuse.samples.portal.outcomes import Manifest, read_outcomes
from transfuse.samples.portal.target import create_target
from transfuse.starting import start
from transfuse.workers import workers
from transfuse.workspace import Workspace

PLAN = Path("plans/portal")
OUTCOMES = Path("tests/portal/outcomes.yml")


@click.command("demo")
@click.option(
    "--scale",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.05,
    show_default=True,
    help="1.0 has the real portal's row counts.",
)
@click.option("--seed", default=7, show_default=True, help="Another seed, other people and other damage.")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".transfuse/demo"),
    show_default=True,
    help="Folder of the demo's databases; its own, emptied at each start.",
)
def demo_command(scale: float, seed: int, home: Path) -> int:
    """Generate a portal with planted defects, migrate it, and show where every row went.

    Everything runs in this process and below the checkout: PostgreSQL, the five services, the bus. Ends with 0 when
    every count equals what the generator says must be there.

    \b
    Examples:
      transfuse demo
      transfuse demo --scale 0.2 --seed 21
    """
    if not PLAN.exists() or not OUTCOMES.exists():
        raise Refused(f"{PLAN} is not here", remedy="Run the demo in the checkout's folder.", code="not_the_checkout")
    return run_async(_demo(scale, seed, Workspace(home)))


async def _demo(scale: float, seed: int, workspace: Workspace) -> int:
    about = " moves a generated portal into a new schema. Nothing in it comes from a real person.\n"
    console.print(Text.assemble(("Transfuse", "bold"), about))
    plan = read_plan(PLAN)
    with console.status("starting PostgreSQL"):
        started = embedded_databases(workspace, anew=True)
        databases = await started.__aenter__()
    try:
        manifest = await _generated(databases, scale, seed)
        with console.status("making the target, the ledger and a role per service"):
            await create_target(databases.target)
            reader = await make_reader(databases.legacy, plan)
            await install(workspace, {**os.environ, **databases.environment(), "LEGACY_DATABASE_URL": reader})
        async with operator(workspace.home) as ledger, workers(workspace, in_process=True):
            run = await start(ledger.runs, plan, actor=actor(), migration=plan.name, options=RunOptions(verify=True))
            await follow(LedgerRuns(ledger, working_here=True), run)
            snapshot = await ledger.progress.read(run)
        async with connections(databases) as (legacy, target):
            return await report(console, legacy, target, snapshot, plan, manifest, read_outcomes(OUTCOMES), workspace)
    finally:
        await started.__aexit__(None, None, None)


async def _generated(databases: EmbeddedDatabases, scale: float, seed: int) -> Manifest:
    columns = (TextColumn("generating {task.fields[table]:28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", table="people", total=None)

        def show(table: str, done: int, total: int) -> None:
            progress.update(task, table=table, completed=done, total=total)

        manifest = await generate(databases.legacy, scale=scale, seed=seed, on_progress=show)
    rows, tables = sum(manifest["rows"].values()), len(manifest["rows"])
    planted, kinds = sum(defect["count"] for defect in manifest["defects"]), len(manifest["defects"])
    console.print(f"legacy portal: {rows:,} rows in {tables} tables, {planted:,} defects of {kinds} kinds planted\n")
    return manifest


@asynccontextmanager
async def connections(databases: EmbeddedDatabases) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    """One connection to each database, to look at the end."""
    legacy = await asyncpg.connect(databases.legacy)
    try:
        target = await asyncpg.connect(databases.target)
        try:
            yield legacy, target
        finally:
            await target.close()
    finally:
        await legacy.close()
