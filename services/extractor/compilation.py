"""Holds a run's plan against both catalogues, and against the legacy server's own understanding of its FROM clauses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence

import asyncpg
import msgspec

from services.extractor.source_errors import STATEMENT_ERRORS
from shared.core.errors import Refused
from shared.plan.aliases import plain_column
from shared.plan.compile import check_sources, compile_plan
from shared.plan.compiled import CompiledPlan
from shared.plan.coverage import parts_of_plan
from shared.plan.describe import describe_statements
from shared.plan.met_codes import CodeUse, uses_of_plan
from shared.plan.model import Mapping, Plan
from shared.plan.reader import plan_of_files
from shared.plan.selection import Selection, select
from shared.plan.source_sql import explain_pair
from shared.postgres.catalog import Catalog, ColumnType
from shared.postgres.identifiers import Identifier
from shared.postgres.introspection import read_catalog, read_types
from shared.postgres.sql_files import filled, load_sql

SQL = load_sql("services.extractor", "snapshot.sql")


Described = dict[str, tuple[asyncpg.Attribute, ...]]
"""By alias the columns that a statement gives."""


class FromRefused(Refused):
    """The legacy server does not take a FROM clause or a key of the plan."""

    code = "from_refused"


class Compilation(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled plan, or what a run of some of it needs, and what it was held against; `uses` are of code books."""

    plan: Plan
    selection: Selection
    compiled: CompiledPlan
    source: Catalog
    target: Catalog
    uses: tuple[CodeUse, ...] = ()


async def compile_run(
    files: ReadOnly[str, str],
    legacy: asyncpg.Connection,
    target: asyncpg.Connection,
    *,
    transfuse_version: str,
    with_rules: bool = True,
    only: Sequence[str] = (),
) -> Compilation:
    """Compile a plan's files. `legacy` is in a transaction; only catalogues are read, and no right on tables is needed.

    Without `with_rules` the plan's rules are checked like everything else, and left out of what is run. `only` is what
    is run, as `RunOptions` has it.
    Raises PlanRefused with every problem, Refused for a missing schema or an unknown name, FromRefused.
    """
    plan = await asyncio.to_thread(plan_of_files, dict(files))
    source = await read_catalog(legacy, plan.source_schema)
    written = await read_catalog(target, plan.target_schema)
    await asyncio.to_thread(check_sources, plan, source)
    selection = select(plan, only)
    plan = plan if with_rules else without_rules(plan)
    described = await describe(legacy, plan)
    compiled = await asyncio.to_thread(
        compile_plan,
        plan,
        source,
        written,
        described,
        transfuse_version=transfuse_version,
        selection=selection,
        checked=True,
    )
    uses = await asyncio.to_thread(_uses, plan, selection, source, described)
    return Compilation(plan=plan, selection=selection, compiled=compiled, source=source, target=written, uses=uses)


def _uses(
    plan: Plan, selection: Selection, source: Catalog, described: dict[str, dict[str, dict[str, ColumnType]]]
) -> tuple[CodeUse, ...]:
    """Every use of a code book by the mappings that are run."""
    parts = {part.mapping.name: (part.clause, part.aliases) for part in parts_of_plan(plan, source, described)}
    return tuple(use for use in uses_of_plan(plan, parts) if use.mapping in selection.mappings)


def without_rules(plan: Plan) -> Plan:
    """The plan as it runs where its rules are left out; its text and its hash stay what they are."""
    mappings = tuple(msgspec.structs.replace(mapping, rules=()) for mapping in plan.mappings)
    return msgspec.structs.replace(plan, mappings=mappings)


async def describe(legacy: asyncpg.Connection, plan: Plan) -> dict[str, dict[str, dict[str, ColumnType]]]:
    """What only the server knows: the columns of subqueries and the types of keys, by mapping and alias."""
    await legacy.execute(filled(SQL["search_path"], schema=Identifier(plan.source_schema)))
    statements = describe_statements(plan)
    try:
        async with legacy.transaction():
            asked = {name: await _attributes(legacy, named) for name, named in statements.items()}
    except asyncpg.PostgresError:
        # One by one, to say whose fault it is.
        asked = {name: await _answered(legacy, plan.mapping(name), named) for name, named in statements.items()}
    oids = sorted({column.type.oid for named in asked.values() for columns in named.values() for column in columns})
    types = dict(zip(oids, await read_types(legacy, [(oid, -1) for oid in oids]), strict=True))
    return {
        name: {alias: {column.name: types[column.type.oid] for column in columns} for alias, columns in named.items()}
        for name, named in asked.items()
    }


async def _attributes(legacy: asyncpg.Connection, statements: ReadOnly[str, str]) -> Described:
    return {alias: (await legacy.prepare(statement)).get_attributes() for alias, statement in statements.items()}


async def _answered(legacy: asyncpg.Connection, mapping: Mapping, statements: ReadOnly[str, str]) -> Described:
    found: Described = {}
    for alias, statement in statements.items():
        try:
            async with legacy.transaction():
                found |= await _attributes(legacy, {alias: statement})
        except asyncpg.PostgresError as error:
            if not (isinstance(error, asyncpg.UndefinedColumnError) and all(map(plain_column, mapping.key))):
                raise _refused(mapping, error) from error
            found[alias] = ()  # the compiler names the column, its place and the nearest one
    return found


async def check_from_clauses(legacy: asyncpg.Connection, compilation: Compilation) -> None:
    """Prove that what runs means what the author wrote: the server plans both alike. Needs SELECT on the columns read.

    Raises FromRefused with both texts.
    """
    await legacy.execute(filled(SQL["search_path"], schema=Identifier(compilation.plan.source_schema)))
    for compiled in compilation.compiled.mappings:
        mapping = compilation.plan.mapping(compiled.name)
        if compiled.source.content_key:
            continue
        try:
            async with legacy.transaction():
                theirs, ours = [
                    [row[0] for row in await legacy.fetch(text)]
                    for text in explain_pair(compiled.source, mapping.from_.value)
                ]
        except STATEMENT_ERRORS as error:
            raise _refused(mapping, error) from error
        if theirs != ours:
            raise FromRefused(
                f"{mapping.from_.position}: the legacy server reads `from` of mapping {mapping.name} differently from"
                f" what would run\nwritten: {mapping.from_.value}\nwould run: {compiled.source.from_sql}",
                remedy="Write the clause in plainer SQL, so that both mean the same.",
            )


def _refused(mapping: Mapping, error: Exception) -> FromRefused:
    return FromRefused(
        f"{mapping.from_.position}: the legacy server refuses `from` or `key` of mapping {mapping.name}"
        f" (SQLSTATE {getattr(error, 'sqlstate', None)})",
        remedy="Try the clause in psql on the legacy server with search_path set to the plan's source schema.",
    )
