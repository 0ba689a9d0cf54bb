"""A plan held against both catalogues becomes a `CompiledPlan`: what each service executes."""

from __future__ import annotations

import duckdb
import msgspec

from shared.plan.aliases import aliases_of_clause, key_types
from shared.plan.catalog_checks import check_clause, check_unmapped
from shared.plan.checks import report_plan
from shared.plan.compiled import CompiledMapping, CompiledPlan
from shared.plan.deferred import order_of
from shared.plan.describe import Described
from shared.plan.from_clause import FromClause, read_from
from shared.plan.keys import CanonicalForm, KeyPartType, KeySignature, can_be_ordered, key_part_type
from shared.plan.load_program import check_target, copied_parts
from shared.plan.model import Mapping, Plan
from shared.plan.placeholders import check_placeholder_rows
from shared.plan.position import PlanRefused
from shared.plan.programs import Compiling, SourcePart, compile_late, compile_whole
from shared.plan.references import key_column
from shared.plan.report import Report
from shared.plan.retired import retired_columns
from shared.plan.selection import Selection, select
from shared.plan.source_program import CONTENT_PART, source_program
from shared.plan.target_columns import take_apart
from shared.plan.used_columns import used_columns
from shared.postgres.catalog import Catalog, ColumnType, Table

ORDERED = "uuid8"
"""What a plan says whose integer keys give UUIDs in their order."""
IDENTIFYING = frozenset({CanonicalForm.TEXT, CanonicalForm.PADDED, CanonicalForm.CASELESS, CanonicalForm.NUMERIC})
"""Forms of keys that people are known by outside: e-mail addresses, insurance and social security numbers."""


def check_sources(plan: Plan, source: Catalog) -> None:
    """Hold a plan against itself and the legacy catalogue. Raises PlanRefused with every problem."""
    report = Report(plan.files)
    report_plan(plan, report)
    report.refuse()
    clauses = [(mapping, clause_of(plan, mapping)) for mapping in plan.mappings]
    for mapping, clause in clauses:
        check_clause(mapping, clause, source, report)
    report.refuse()
    found = [clause for _, clause in clauses]
    check_unmapped(plan, {table for clause in found for table in clause.tables}, apart(source, found), report)
    report.refuse()


def apart(source: Catalog, clauses: list[FromClause]) -> Catalog:
    """The catalogue, where the children of tables that are read by FROM ONLY alone stand for themselves."""
    whole = {
        table for clause in clauses for table in clause.tables if not (clause.driving_only and table == clause.driving)
    }
    alone = {clause.driving for clause in clauses} - whole
    tables = {
        name: msgspec.structs.replace(table, children=()) if table.name in alone else table
        for name, table in source.tables.items()
    }
    return msgspec.structs.replace(source, tables=tables)


def clause_of(plan: Plan, mapping: Mapping) -> FromClause:
    """The checked FROM clause of a mapping."""
    return read_from(mapping.from_.value, plan.source_schema)[1]


def compile_plan(
    plan: Plan,
    source: Catalog,
    target: Catalog,
    described: Described,
    *,
    transfuse_version: str,
    selection: Selection | None = None,
    checked: bool = False,
) -> CompiledPlan:
    """Compile a plan, or what a run of some of it needs. `described` is what `describe_statements`' statements give.

    Raises PlanRefused with every problem that can be seen at once: of the plan itself and the legacy tables first, then
    of columns, types and the target. `checked` where `check_sources` has found nothing.
    """
    if not checked:
        check_sources(plan, source)
    report = Report(plan.files)
    parts = [read_source(plan, mapping, source, described, report) for mapping in plan.mappings]
    tables = {mapping.name: check_target(mapping, target, report) for mapping in plan.mappings}
    report.refuse()
    found = [part for part in parts if part is not None]
    signatures = {part.mapping.name: part.signature for part in found}
    order = order_of(plan.mappings, report, tables)
    report.refuse()
    selection = select(plan, ()) if selection is None else selection
    take_apart(text.value for mapping in plan.mappings for text in mapping.expressions)
    of = Compiling(plan=plan, source=source, signatures=signatures, order=order, selection=selection, tables=tables)
    check_placeholder_rows(plan, tables, report)
    report.refuse()
    compiled = [
        compile_mapping(of, part, table, report)
        for part in found
        if part.mapping.name in selection.mappings and (table := tables[part.mapping.name]) is not None
    ]
    retired = retired_columns(plan, target, report)
    report.refuse()
    ordered = sorted((one for one in compiled if one is not None), key=lambda one: one.wave)
    return CompiledPlan(
        name=plan.name,
        hash=plan.hash,
        namespace=plan.namespace,
        namespace_secret=plan.namespace_secret,
        keys=plan.keys,
        transfuse_version=transfuse_version,
        duckdb_version=duckdb.__version__,
        source_fingerprint=source.fingerprint(),
        target_fingerprint=target.fingerprint(),
        mappings=tuple(ordered),
        retired=retired,
    )


def key_signatures(plan: Plan, source: Catalog, described: Described) -> dict[str, KeySignature]:
    """How the key of each mapping is written. Raises PlanRefused with what is wrong on the source's side."""
    check_sources(plan, source)
    report = Report(plan.files)
    parts = [read_source(plan, mapping, source, described, report) for mapping in plan.mappings]
    report.refuse()
    return {part.mapping.name: part.signature for part in parts if part is not None}


def read_source(
    plan: Plan, mapping: Mapping, source: Catalog, described: Described, report: Report
) -> SourcePart | None:
    """The source side of a mapping; None with its problems in the report."""
    before = len(report.problems)
    clause = clause_of(plan, mapping)
    asked = described.get(mapping.name, {})
    aliases = aliases_of_clause(clause, source, asked)
    used = used_columns(mapping, aliases, report)
    check_case(mapping, used.selected, report)
    if mapping.content_key and not used.selected:
        report.problem(mapping.position, "key: content() needs columns that are read")
    types = key_types(mapping, aliases, asked, report)
    if len(report.problems) > before:
        return None
    signature = key_signature(mapping, types, report, ordered=plan.keys == ORDERED)
    if signature is None or len(report.problems) > before:
        return None
    program = source_program(mapping, clause, aliases, used, signature, source)
    return SourcePart(
        mapping=mapping,
        clause=clause,
        aliases=aliases,
        used=used,
        program=program,
        signature=signature,
    )


def check_case(mapping: Mapping, selected: tuple[tuple[str, str], ...], report: Report) -> None:
    """DuckDB compares names without case: two columns of one alias must differ in more."""
    seen: dict[tuple[str, str], str] = {}
    for alias, column in selected:
        other = seen.setdefault((alias, column.lower()), column)
        if other != column:
            message = f"{alias}.{other} and {alias}.{column} differ only in case: rename one in a subquery of `from`"
            report.problem(mapping.from_.position, message)


def key_signature(
    mapping: Mapping, types: list[ColumnType], report: Report, *, ordered: bool = False
) -> KeySignature | None:
    """The signature of a mapping's key; None with the reason in the report. `ordered` if the plan says so."""
    if mapping.content_key:
        parts: tuple[KeyPartType, ...] = (CONTENT_PART,)
    else:
        if len(types) != len(mapping.key):
            report.problem(mapping.position, "the type of the key is not known: the legacy server did not describe it")
            return None
        found = [key_part_type(column_type) for column_type in types]
        for text, column_type, part in zip(mapping.key, types, found, strict=True):
            if part is None:
                message = f"a key of type {column_type.name} has no text that is the same for ever: cast it in the key"
                report.problem(text.position, message)
        parts = tuple(part for part in found if part is not None)
    ordered = ordered and not mapping.content_key and can_be_ordered(parts)
    if ordered:
        check_ordered(mapping, report)
    return KeySignature(
        mapping=mapping.name,
        key_domain=mapping.key_domain,
        parts=parts,
        content_key=mapping.content_key,
        ordered=ordered,
    )


def check_ordered(mapping: Mapping, report: Report) -> None:
    """An ordered key can be read off its UUID: the plan must say that it is not PHI."""
    clear = {text.value for text in mapping.clear}
    if clear & {key_column(mapping)} or mapping.key[0].value.strip().lower() in copied_parts(mapping, clear):
        return
    message = (
        f"`keys: uuid8` shows this key in every UUID of {mapping.name}: list the column that holds it under `clear` "
        "if it is not PHI, else write `keys: uuid5` and `namespace: {secret: NAME}`"
    )
    report.problem(mapping.key[0].position, message)


def check_namespace(plan: Plan, part: SourcePart, report: Report) -> None:
    """What may name a person is not hashed under a namespace that everybody knows: a list of guesses finds it."""
    if plan.namespace_secret or part.mapping.content_key:
        return
    shown = copied_parts(part.mapping, {text.value for text in part.mapping.clear})
    for text, kind in zip(part.mapping.key, part.signature.parts, strict=True):
        if kind.form in IDENTIFYING and text.value.strip().lower() not in shown:
            message = (
                "this key may identify a person: write `namespace: {secret: NAME}`, or list its column under `clear`"
            )
            report.problem(text.position, message)


def compile_mapping(of: Compiling, part: SourcePart, table: Table, report: Report) -> CompiledMapping | None:
    """All programs of a mapping; None with its problems in the report."""
    check_namespace(of.plan, part, report)
    try:
        if of.selection.back_fills:
            return compile_late(of, part, table, report)
        return compile_whole(of, part, table, report)
    except PlanRefused as refused:
        for problem in refused.problems:
            report.problem(problem.position, problem.message)
        return None
