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
from shared.ledger.accounts import Accounts
from transfuse.embedded.databases import EmbeddedDatabases, admit_later_tables, databases_running, embedded_databases
from transfuse.embedded.postgres_files import PASSWORD
from transfuse.installation import install
from transfuse.operator import console, errors, home_option, operator, run_async, service_environments
from transfuse.ports import LOOPBACK, ApiPort, api_port, free_port, socket_port
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
    "--first-port",
    default=4000,
    show_default=True,
    help="Of /healthz, /readyz and /metrics; 0 takes free ones, for the API too.",
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
        port = api_port(os.environ)
        async with workers(workspace, in_process=True, api_port=port.port):
            console.print(what_next(workspace, databases, port, may_sign_in=await _may_sign_in(workspace)))
            await stop.wait()
        console.print("The services have stopped.")


async def _may_sign_in(workspace: Workspace) -> bool:
    """Whether anybody can sign in: there is an account, or people have theirs at Supabase."""
    async with operator(workspace.home) as ledger:
        if workspace.environment("gateway", os.environ).get("SUPABASE_URL"):
            return True
        return any(account.disabled_at is None for account in await Accounts(ledger.pool).list())


def what_next(workspace: Workspace, databases: EmbeddedDatabases, port: ApiPort, *, may_sign_in: bool) -> str:
    """What to do while the services run: no secret, the password stays in its file."""
    address = urlsplit(databases.target)
    psql = f"psql -h {address.hostname} -p {address.port} -U {address.username}"
    home = shlex.join(["--home", str(workspace.home)])
    account = f"transfuse user add EMAIL --role admin {home}"
    sign_in = "an account for somebody else:" if may_sign_in else "nobody can sign in yet; the first account:"
    return (
        f"{port.told}\n"
        f"The five services and PostgreSQL run in this process until Ctrl-C.\n\n"
        f"In another terminal\n"
        f"  {sign_in} {account}\n"
        f"  {psql} legacy      to fill the legacy database\n"
        f"  {psql} target      to make the target's tables\n"
        f"  transfuse run PLAN {home}\n"
        f"  transfuse status --watch {home}\n\n"
        f"The password of PostgreSQL is in {workspace.embedded / PASSWORD}"
    )


async def _services(workspace: Workspace, first_port: int) -> None:
    environments = service_environments(workspace)
    if not environments["gateway"].get("RABBITMQ_URL"):
        raise Refused(
            "RABBITMQ_URL is not set.", remedy="Set it and run `transfuse init` again.", code="missing_setting"
        )
    for number, service in enumerate(SERVICES):
        environments[service]["PORT"] = str(first_port + number if first_port else 0)
    if not first_port:
        environments["loader"]["PORT"] = str(free_port())  # the gateway has to know it
    port = api_port(environments["gateway"], free=not first_port)
    environments["gateway"]["API_PORT"] = str(port.port)
    environments["gateway"].setdefault("LOADER_URL", f"http://{LOOPBACK}:{environments['loader']['PORT']}")
    _lead_to_sockets(environments["gateway"], environments["notifier"], port, free=not first_port)
    stop = stop_signal()
    async with databases_running(workspace, os.environ):
        console.print(f"Starting {', '.join(SERVICES)}; stop with Ctrl-C.")
        console.print(port.told)
        await run_services(environments, errors.print, stop)


def _lead_to_sockets(gateway: dict[str, str], notifier: dict[str, str], api: ApiPort, *, free: bool) -> None:
    """Tell pages where the notifier is, and the notifier that the gateway's own pages may come."""
    port = socket_port(notifier, free=free)
    notifier["SOCKET_PORT"] = str(port)
    gateway.setdefault("SOCKET_URL", f"http://{LOOPBACK}:{port}")
    if notifier.get("ENVIRONMENT") != "production":  # there, pages come by https and by a name that only a person knows
        own = (api.url, f"http://localhost:{api.port}")
        notifier["CORS_ORIGINS"] = ",".join(filter(None, (notifier.get("CORS_ORIGINS"), *own)))


def stop_signal() -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
