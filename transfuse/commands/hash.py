"""`transfuse hash`: one figure that says whether two targets hold the same."""

from __future__ import annotations

import os
from pathlib import Path

import asyncpg
import click
import msgspec
from rich.table import Table

from shared.core.errors import Refused
from shared.plan.model import Plan
from shared.postgres.identifiers import TableName
from shared.postgres.pools import Session, connect
from shared.postgres.table_hash import HashedTable, TargetHash, hash_tables
from shared.settings.service import Target
from transfuse.commands.plan_files import checked, plan_argument
from transfuse.embedded.databases import databases_running
from transfuse.operator import console, home_option, run_async
from transfuse.screen.figures import grouped
from transfuse.workspace import Workspace


class TargetAccess(msgspec.Struct, frozen=True, kw_only=True):
    """The loader's rights on the target, to read."""

    target: Target


@click.command("hash")
@plan_argument
@home_option
@click.option("--all-columns", is_flag=True, help="Every column of the mapped tables, not only the mapped ones.")
def hash_command(plan_path: Path, home: Path, *, all_columns: bool) -> None:
    """Hash every table that PLAN writes: SHA-256 over the mapped columns, rows in primary-key order.

    \b
    Example:
      transfuse hash plans/portal
    """
    found = run_async(_hash(Workspace(home), mapped_tables(checked(plan_path), all_columns=all_columns)))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("table", "rows", "sha256"):
        table.add_column(title, justify="right" if title == "rows" else "left", no_wrap=True)
    for entry in found.tables:
        table.add_row(str(entry.table), grouped(entry.row_count), entry.sha256)
    console.print(table)
    click.echo(f"total {found.sha256}")


def mapped_tables(plan: Plan, *, all_columns: bool = False) -> list[HashedTable]:
    """What is hashed of each mapped table."""
    return [
        HashedTable(
            table=TableName(schema=plan.target_schema, name=mapping.into.value),
            columns=() if all_columns else tuple(column.column for column in mapping.columns),
        )
        for mapping in plan.mappings
    ]


async def _hash(workspace: Workspace, tables: list[HashedTable]) -> TargetHash:
    async with databases_running(workspace, os.environ):
        settings = workspace.load(TargetAccess, "loader", os.environ)
        connection = await connect(settings.target, "target", Session(read_only=True))
        try:
            return await hash_tables(connection, tables)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
            raise Refused(
                f"A mapped table or column is not there or may not be read (SQLSTATE {error.sqlstate}).",
                remedy="Run `transfuse preflight PLAN`, which names it and what mends it.",
                code="target_unreadable",
            ) from error
        finally:
            await connection.close()
