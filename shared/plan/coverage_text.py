"""The coverage of a plan for people (`transfuse plan coverage`): what is forgotten first, then what was decided."""

from __future__ import annotations

from collections.abc import Iterator

from shared.plan.coverage import Coverage, Fate, TableCoverage, TargetCoverage, has_gap
from shared.plan.met_codes import FEWEST_SHOWN, BookCoverage

GAP, FINE = "!", " "


def coverage_text(coverage: Coverage) -> str:
    """The coverage as plain text; lines that begin with `!` are gaps."""
    ended = "complete" if coverage.complete else f"{coverage.gaps} gaps, marked with !"
    blocks = (
        [f"plan {coverage.name}, {coverage.hash[:12]}: {ended}"],
        ["legacy tables", *_tables(coverage)],
        ["legacy columns that go nowhere", *_or_none(_columns(coverage))],
        ["target columns that nothing fills", *_or_none(_targets(coverage))],
        ["codes", *_or_none(line for codes in coverage.codes for line in _codes(codes))],
    )
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _or_none(lines: Iterator[str]) -> list[str]:
    return list(lines) or ["  none"]


def _tables(coverage: Coverage) -> Iterator[str]:
    for fate in (Fate.MISSING, Fate.MAPPED, Fate.READ, Fate.LISTED):
        found = [table for table in coverage.tables if table.fate is fate]
        yield f"  {fate.value}: {len(found)}"
        for table in found:
            yield f"{GAP if fate is Fate.MISSING else FINE}   {table.table}{_told(table)}"


def _told(table: TableCoverage) -> str:
    by = f" ({', '.join(table.mappings)})" if table.mappings else ""
    return f"{by}: {table.reason}" if table.reason else by


def _columns(coverage: Coverage) -> Iterator[str]:
    for table in coverage.tables:
        if table.unread:
            why = f"  ({table.reason})" if table.reason else ""
            yield f"{FINE if table.complete else GAP} {table.table}: {', '.join(table.unread)}{why}"
        if table.excepted:
            yield f"  {table.table}: {', '.join(table.excepted)}  (left out of rest() by name)"


def _targets(coverage: Coverage) -> Iterator[str]:
    unwritten = [target.table for target in coverage.targets if not target.mappings]
    for target in coverage.targets:
        yield from _target(target)
    if unwritten:
        yield f"  tables that no mapping writes: {', '.join(unwritten)}"


def _target(target: TargetCoverage) -> Iterator[str]:
    for gets in dict.fromkeys(column.gets for column in target.unfilled):
        names = ", ".join(column.column for column in target.unfilled if column.gets == gets)
        told = (
            "NOT NULL without a default" if gets == "nothing" else f"get {gets}" if gets == "NULL" else "get a default"
        )
        yield f"{GAP if gets == 'nothing' else FINE} {target.table}: {names}  ({told})"


def _codes(codes: BookCoverage) -> Iterator[str]:
    mark = GAP if has_gap(codes) else FINE
    place = f"{codes.mapping}.{codes.column}, code book {codes.book}"
    known = "" if not codes.otherwise else ", which otherwise answers"
    if codes.untold:
        yield f"  {place}: only a run can tell, its code is made by other functions or of no column"
    if codes.many:
        yield f"{GAP} {place}: more values than a column of codes has"
    if codes.unknown:
        met = ", ".join(f"{code.code!r} ({code.row_count} rows)" for code in codes.unknown)
        yield f"{mark} {place}: not in the book{known}: {met}"
    if codes.rare_codes:
        rare = f"codes met in <{FEWEST_SHOWN} rows each: {codes.rare_codes} (--rare shows them)"
        yield f"{mark} {place}: not in the book{known}: {rare}"
    if codes.never_met:
        yield f"  {place}: never met: {', '.join(map(repr, codes.never_met))}"
