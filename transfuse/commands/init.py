"""`transfuse init`: the ledger, its roles, and an environment file per service."""

from __future__ import annotations

import os
from pathlib import Path

import click

from transfuse.installation import install
from transfuse.operator import console, home_option, run_async
from transfuse.workspace import Workspace


@click.command("init")
@home_option
@click.option(
    "--schema",
    "schemas",
    multiple=True,
    default=("public",),
    show_default=True,
    help="Schema of the target's tables; may be repeated.",
)
@click.option(
    "--role-prefix",
    default="transfuse",
    show_default=True,
    help="Start of the roles' names; a second ledger in one server needs its own.",
)
def init_command(home: Path, schemas: tuple[str, ...], role_prefix: str) -> None:
    """Make the ledger and one database role per service in the target; can be repeated.

    TARGET_DATABASE_URL must be the owner of the target's tables (on Supabase: postgres) and is used by this command
    only. Each service gets a role of its own with the rights its work needs, in a file under --home that only you can
    read, together with ENCRYPTION_KEY (made if it is not set: keep it, sealed rows open with nothing else).

    \b
    Example:
      export LEGACY_DATABASE_URL=postgresql://reader:…@legacy.example.org/portal
      export TARGET_DATABASE_URL=postgresql://postgres:…@db.example.supabase.co/postgres
      transfuse init
    """
    workspace = Workspace(home)
    run_async(install(workspace, os.environ, schemas=schemas, role_prefix=role_prefix))
    console.print(f"The ledger is ready; the services' environments are in {workspace.services}.")
    console.print("Next: transfuse preflight PLAN, then transfuse run PLAN")
