"""What a plan leaves out: tables, columns that go nowhere, columns that nothing fills, codes that no book knows."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from shared.plan.catalog_checks import HOLDS_ROWS, check_clause
from shared.plan.checks import report_plan
from shared.plan.compile import clause_of, read_source
from shared.plan.describe import Described
from shared.plan.load_program import needs_source
from shared.plan.met_codes import BookCoverage
from shared.plan.model import Plan
from shared.plan.packing import is_named, rest_calls
from shared.plan.programs import SourcePart
from shared.plan.report import Report
from shared.postgres.catalog import Catalog, Table


class Fate(StrEnum):
    """What a plan does with a legacy table."""

    MAPPED = "mapped"
    READ = "read on the way"
    LISTED = "listed"
    MISSING = "missing"


class TableCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """One legacy table: the mappings that it drives or that read it, the reason why it is listed.

    `unread` are its columns that no mapping reads, `excepted` those that a rest() leaves out by name. What is listed
    owes no column.
    """

    table: str
    fate: Fate
    reason: str = ""
    mappings: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing of the table is forgotten."""
        return self.fate is not Fate.MISSING and not (self.unread and not self.reason)


class UnfilledColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A target column that no mapping fills, and what it gets instead: `default`, `NULL` or `nothing` (an error)."""

    column: str
    gets: str


class TargetCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """One table of the target: the mappings that write it, and what they do not fill."""

    table: str
    mappings: tuple[str, ...]
    unfilled: tuple[UnfilledColumn, ...]

    @property
    def complete(self) -> bool:
        """Whether its rows can be written."""
        return all(column.gets != NOTHING for column in self.unfilled)


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """A whole plan. `gaps` is how many things are forgotten: a plan without any is complete."""

    name: str
    hash: str
    gaps: int
    tables: tuple[TableCoverage, ...]
    targets: tuple[TargetCoverage, ...]
    codes: tuple[BookCoverage, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is forgotten."""
        return self.gaps == 0


NOTHING = "nothing"


def coverage(
    plan: Plan, parts: Iterable[SourcePart], source: Catalog, target: Catalog, codes: Iterable[BookCoverage]
) -> Coverage:
    """What a plan leaves out. `parts` as `parts_of_plan` gives them."""
    tables, targets, books = _tables(plan, tuple(parts), source), _targets(plan, target), tuple(codes)
    gaps = sum(not one.complete for one in tables) + sum(not one.complete for one in targets) + sum(map(has_gap, books))
    return Coverage(name=plan.name, hash=plan.hash, gaps=gaps, tables=tables, targets=targets, codes=books)


def has_gap(codes: BookCoverage) -> bool:
    """Whether rows go to quarantine for codes that a book does not know, or the column holds no codes at all."""
    return codes.many or (bool(codes.unknown or codes.rare_codes) and not codes.otherwise)


def parts_of_plan(plan: Plan, source: Catalog, described: Described) -> list[SourcePart]:
    """The legacy side of every mapping of a plan that `check_sides` has nothing against. Raises PlanRefused."""
    report = Report(plan.files)
    parts = [read_source(plan, mapping, source, described, report) for mapping in plan.mappings]
    report.refuse()
    return [part for part in parts if part is not None]


def check_sides(plan: Plan, source: Catalog) -> None:
    """Hold a plan against itself and the tables that its clauses name, forgotten ones left out. Raises PlanRefused."""
    report = Report(plan.files)
    report_plan(plan, report)
    report.refuse()
    for mapping in plan.mappings:
        check_clause(mapping, clause_of(plan, mapping), source, report)
    report.refuse()


def _tables(plan: Plan, parts: tuple[SourcePart, ...], source: Catalog) -> tuple[TableCoverage, ...]:
    children = {child.name for table in source.tables.values() for child in table.children}
    return tuple(
        _table(table, plan.unmapped.get(name, ""), parts)
        for name, table in sorted(source.tables.items())
        if table.kind in HOLDS_ROWS and name not in children
    )


def _table(table: Table, reason: str, parts: tuple[SourcePart, ...]) -> TableCoverage:
    driven = [part for part in parts if part.clause.driving == table.name]
    reading = [part for part in parts if table.name in part.clause.tables]
    if not reading:
        return TableCoverage(table=table.name.name, fate=Fate.LISTED if reason else Fate.MISSING, reason=reason)
    read = {column for part in reading for column in part.program.read_columns.get(str(table.name), ())}
    excepted = {column for part in reading for column in _excepted(part, table)} - read
    unread = [column.name for column in table.columns if column.name not in read and column.name not in excepted]
    return TableCoverage(
        table=table.name.name,
        fate=Fate.MAPPED if driven else Fate.READ,
        reason=reason,
        mappings=tuple(part.mapping.name for part in (driven or reading)),
        unread=tuple(unread),
        excepted=tuple(column.name for column in table.columns if column.name in excepted),
    )


def _excepted(part: SourcePart, table: Table) -> set[str]:
    """The columns of a table that a mapping's rest() leaves out by name."""
    aliases = [item.alias for item in part.clause.items if item.table == table.name]
    names = tuple(name for call in rest_calls(part.mapping) for name in call.excepted)
    return {column.name for column in table.columns for alias in aliases if is_named((alias, column.name), names)}


def _targets(plan: Plan, target: Catalog) -> tuple[TargetCoverage, ...]:
    """The tables of the target; those that nothing writes are said to be filled by none, and nothing more."""
    found = []
    for name, table in sorted(target.tables.items()):
        if table.kind not in HOLDS_ROWS:
            continue
        writing = [mapping for mapping in plan.mappings if mapping.into.value == name]
        filled = {column.column for mapping in writing for column in mapping.columns}
        unfilled = [
            UnfilledColumn(column=column.name, gets=_instead(table, column.name))
            for column in table.columns
            if writing and column.name not in filled and not column.generated
        ]
        found.append(TargetCoverage(table=name, mappings=tuple(one.name for one in writing), unfilled=tuple(unfilled)))
    return tuple(found)


def _instead(table: Table, name: str) -> str:
    column = table.column(name)
    if column is None or needs_source(column):
        return NOTHING
    return "default" if column.has_default or column.identity else "NULL"
