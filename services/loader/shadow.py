"""A dry run's target: a copy of every mapped table, empty at first, over which the table itself shows through.

Whatever is loaded goes into the copies, by the statements of the real run. A row of the table whose key a batch brings
is brought over first, so that it is compared, updated and patched there. Triggers of the copies hold new rows against
the rows of the table that no copy covers. Nothing of the target itself is written, no sequence moved, no trigger fired.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import asyncpg
import msgspec

from services.loader.body import OpenedBatch, keys_of
from services.loader.runs import LoadRun
from services.loader.shape import TargetShape, read_shape
from services.loader.statements import identity_columns
from shared.core.errors import RunError, WorldError
from shared.core.states import LoadMode
from shared.plan.compiled import CompiledMapping, CompiledPlan, LoadProgram
from shared.postgres.identifiers import Identifier, TableName
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "shadow.sql")


def is_dry(run: LoadRun) -> bool:
    """Whether nothing of a run may reach the target."""
    return run.mode is LoadMode.CHECK


async def make_shadow(connection: asyncpg.Connection, run: LoadRun) -> bool:
    """Make the copies of a dry run where they are not there yet; False where the run is over.

    Raises WorldError while the run's state is being changed, RunError where rows that settled are gone with the copies.
    """
    tables = msgspec.json.encode(list(_wanted(run.plan))).decode()
    match await connection.fetchval(SQL["make"], run.run, tables):
        case "ready":
            return True
        case "held":
            raise WorldError(
                "The state of the run is being changed; its dry run waits.",
                code="run_locked",
                remedy="Nothing to do: the batch is taken up again at once.",
            )
        case "lost":
            raise RunError(
                "What the dry run had tried so far is gone: the target's server crashed, or the run had ended.",
                code="shadow_lost",
                remedy="Start the dry run again.",
            )
        case _:
            return False


async def drop_shadow(connection: asyncpg.Connection, run: UUID) -> bool:
    """Drop the copies of a run that is finishing; whether it is a dry run. Repeatable."""
    if not await connection.fetchval(SQL["is_dry_run"], run):
        return False
    await connection.execute(SQL["drop"], run)
    return True


def shadowed(run: LoadRun, mapping: CompiledMapping) -> CompiledMapping:
    """The mapping as a dry run loads it: into the copy, its parents looked for in copies and tables, no trigger off."""
    copied = {TableName(schema=one.schema, name=one.table) for one in _wanted(run.plan)}
    load = mapping.load
    in_copies = tuple(
        msgspec.structs.replace(reference, table=copy_of(run.run, reference.table), enforced=False)
        for reference in load.references
        if reference.table in copied
    )
    return msgspec.structs.replace(
        mapping,
        load=msgspec.structs.replace(
            load,
            table=copy_of(run.run, load.table),
            references=(*load.references, *in_copies),
            placeholders=tuple(
                msgspec.structs.replace(row, table=copy_of(run.run, row.table)) for row in load.placeholders
            ),
            triggers_off=(),
        ),
    )


def copy_of(run: UUID, table: TableName) -> TableName:
    """The copy of a table."""
    return TableName(schema=f"transfuse_check_{run.hex}", name=table.name)


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """A table that rows may go to, and the columns by which a row of it is known."""

    schema: str
    table: str
    identity: tuple[str, ...]


class Bringing(msgspec.Struct, frozen=True, kw_only=True):
    """How rows that are in the table are brought into its copy; empty where nothing tells rows apart."""

    statement: str
    by_key: bool


async def overlay(
    connection: asyncpg.Connection, table: TableName, program: LoadProgram, shape: TargetShape
) -> tuple[TargetShape, Bringing]:
    """The shape of a copy with the constraints of its table, and what brings rows over.

    `program` and `shape` are those of the copy; names of constraints are the same, foreign keys only the table has.
    """
    real = await read_shape(connection, table, ())
    shape = msgspec.structs.replace(shape, constraints=real.constraints, keys=real.keys)
    names = ", ".join(Identifier(row["name"]) for row in await connection.fetch(SQL["columns"], table.sql))
    fill = {"shadow": program.table.sql, "table": table.sql, "names": names}
    if program.key_column:
        type_name = shape.column(program.key_column).type_name
        statement = SQL["bring_by_key"].format(**fill, key=Identifier(program.key_column), type_name=type_name)
        return shape, Bringing(statement=statement, by_key=True)
    known = [(Identifier(name), shape.column(name).staged) for name in identity_columns(program)]
    if not known:
        return shape, Bringing(statement="", by_key=False)
    statement = SQL["bring_by_columns"].format(
        **fill,
        identity=" and ".join(f"t.{name} = s.{staged}" for name, staged in known),
        covered=" and ".join(f"u.{name} = t.{name}" for name, _ in known),
    )
    return shape, Bringing(statement=statement, by_key=False)


async def bring_over(connection: asyncpg.Connection, opened: OpenedBatch, how: Bringing) -> None:
    """Bring the table's rows of a staged batch's keys into the copy."""
    if not how.statement:
        return
    await connection.execute(SQL["begin_bringing"])
    if how.by_key:
        keys = [*keys_of(opened.body.target_keys), *(row.target_key for row in opened.body.refused if row.target_key)]
        await connection.execute(how.statement, [str(UUID(bytes=key)) for key in keys])
    else:
        await connection.execute(how.statement)
    await connection.execute(SQL["end_bringing"])


def _wanted(plan: CompiledPlan) -> Iterator[Copied]:
    """The tables of the mappings, and those of the placeholders that rows may be turned to."""
    for mapping in plan.mappings:
        table = mapping.load.table
        yield Copied(schema=table.schema, table=table.name, identity=identity_columns(mapping.load))
    for mapping in plan.mappings:
        for row in mapping.load.placeholders:
            yield Copied(schema=row.table.schema, table=row.table.name, identity=(row.key_column,))
