"""`transfuse up`: the five services, in one process or as five."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from pathlib import Path
from urllib.parse import urlsplit

import click

from shared.core.errors import Refused
from transfuse.embedded.databases import EmbeddedDatabases, admit_later_tables, databases_running, embedded_databases
from transfuse.embedded.postgres_files import PASSWORD
from transfuse.installation import install
from transfuse.operator import console, errors, home_option, run_async, service_environments
from transfuse.processes import run_services
from transfuse.workers import workers
from transfuse.workspace import SERVICES, Workspace


@click.command("up")
@home_option
@click.option(
    "--embedded",
    "mode",
    flag_value="embedded",
    help="One process, in-process bus, embedded PostgreSQL: needs nothing installed.",
)
@click.option(
    "--services", "mode", flag_value="services", help="Five processes over RABBITMQ_URL; a dead one is restarted."
)
@click.option(
    "--first-port", default=4000, show_default=True, help="Of /healthz, /readyz and /metrics; 0 takes free ones."
)
def up_command(home: Path, mode: str | None, first_port: int) -> None:
    """Start the services and keep them until Ctrl-C, which drains them upstream first.

    \b
    Examples:
      transfuse up --embedded
      RABBITMQ_URL=amqp://… transfuse init && transfuse up --services
    """
    if mode is None:
        raise click.UsageError("choose --embedded or --services")
    workspace = Workspace(home)
    run_async(_embedded(workspace) if mode == "embedded" else _services(workspace, first_port))


async def _embedded(workspace: Workspace) -> None:
    if workspace.initialised and not workspace.is_embedded:
        raise Refused(
            f"{workspace.home} was initialised for other databases",
            remedy="Choose another --home for the embedded mode.",
            code="other_database",
        )
    stop = stop_signal()
    async with embedded_databases(workspace) as databases:
        await install(workspace, {**os.environ, **databases.environment()})
        await admit_later_tables(databases.target)
        async with workers(workspace, in_process=True):
            console.print(what_next(workspace, databases))
            await stop.wait()
        console.print("The services have stopped.")


def what_next(workspace: Workspace, databases: EmbeddedDatabases) -> str:
    """What to do while the services run: no secret, the password stays in its file."""
    address = urlsplit(databases.target)
    psql = f"psql -h {address.hostname} -p {address.port} -U {address.username}"
    home = shlex.join(["--home", str(workspace.home)])
    return (
        f"Ready. The five services and PostgreSQL run in this process until Ctrl-C.\n\n"
        f"In another terminal\n"
        f"  {psql} legacy      to fill the legacy database\n"
        f"  {psql} target      to make the target's tables\n"
        f"  transfuse run PLAN {home}\n"
        f"  transfuse status --watch {home}\n\n"
        f"The password is in {workspace.embedded / PASSWORD}"
    )


async def _services(workspace: Workspace, first_port: int) -> None:
    environments = service_environments(workspace)
    if not environments["gateway"].get("RABBITMQ_URL"):
        raise Refused(
            "RABBITMQ_URL is not set.", remedy="Set it and run `transfuse init` again.", code="missing_setting"
        )
    for number, service in enumerate(SERVICES):
        environments[service]["PORT"] = str(first_port + number if first_port else 0)
    stop = stop_signal()
    async with databases_running(workspace, os.environ):
        console.print(f"Starting {', '.join(SERVICES)}; stop with Ctrl-C.")
        await run_services(environments, errors.print, stop)


def stop_signal() -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
