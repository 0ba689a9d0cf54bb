"""What every command of an operator starts with: the workspace, the ledger in it, and a way to run async code."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click
import msgspec
from rich.console import Console

from shared.core.errors import Refused
from shared.ledger.migrate import check_ledger
from shared.ledger.progress import Progress
from shared.ledger.runs import Runs
from shared.postgres.pools import Pool, Session, open_pool
from shared.settings.service import Ledger
from shared.status.document import RunStatus
from shared.status.status import run_status
from transfuse.embedded.databases import databases_running
from transfuse.workspace import SERVICES, Workspace

T = TypeVar("T")

PIPE_COLUMNS = 140
"""Width where nobody looks at a terminal: tables are not squeezed for a log."""


def _made(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console that shows names as they are: `[red]x[/]` in one is no colour. What is to have a style is a `Text`."""
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


console = _made()
if not console.is_terminal:
    console = _made(width=PIPE_COLUMNS)
errors = _made(stderr=True)

home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".transfuse"),
    envvar="TRANSFUSE_HOME",
    show_default=True,
    help="Folder with what `transfuse init` wrote.",
)
run_argument = click.argument("run_id", metavar="[RUN]", required=False, type=click.UUID)


class LedgerAccess(msgspec.Struct, frozen=True, kw_only=True):
    """The one setting of an operator's command: the ledger."""

    ledger: Ledger


class Operator(msgspec.Struct, frozen=True):
    """An open ledger and the workspace it belongs to."""

    workspace: Workspace
    pool: Pool
    runs: Runs
    progress: Progress

    async def status(self, run: UUID) -> RunStatus:
        """What there is to say of a run now."""
        return run_status(await self.progress.read(run))

    async def run_or_latest(self, run: UUID | None) -> UUID:
        """The run that was named, else the youngest one. Raises Refused where there is none."""
        found = run or await self.progress.latest()
        if found is None:
            raise Refused("There is no run yet.", remedy="Start one with `transfuse run PLAN`.", code="unknown_run")
        return found


@asynccontextmanager
async def operator(home: Path) -> AsyncIterator[Operator]:
    """The workspace's ledger under the gateway's role; an embedded server is started for as long as it is needed.

    Raises Refused for a workspace or a ledger that `transfuse init` has not made for this version.
    """
    workspace = Workspace(home)
    async with databases_running(workspace, os.environ):
        settings = workspace.load(LedgerAccess, "gateway", os.environ)
        async with open_pool(settings.ledger, "ledger", Session()) as pool:
            async with pool.acquire() as connection:
                await check_ledger(connection)
            yield Operator(workspace, pool, Runs(pool), Progress(pool))


def service_environments(workspace: Workspace) -> dict[str, dict[str, str]]:
    """The environment of each service. Raises Refused (`other_database`)."""
    return {service: workspace.environment(service, os.environ) for service in SERVICES}


def actor() -> str:
    """Who runs this command, for the ledger's history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine; a lone error in an ExceptionGroup is raised as itself."""
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        error = _only(group)
        if error is None:
            raise
        raise error from group


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException | None:
    found = list(group.exceptions)
    if len(found) != 1:
        return None
    return _only(found[0]) if isinstance(found[0], BaseExceptionGroup) else found[0]
