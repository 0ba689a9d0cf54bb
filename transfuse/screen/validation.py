"""What a dry run found: the checks that rows failed, what the plan leaves out, what only a real run shows."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shared.status.validation import CheckResult, Outcome, UncheckedDocument, ValidationDocument
from transfuse.exit_codes import ExitCode
from transfuse.screen.figures import grouped

UNCHECKED_WORDS = {
    "trigger": "trigger",
    "row_security": "row security",
    "rule": "rule",
    "check": "check that calls a function",
    "default": "default that calls a function",
    "foreign_key": "foreign key",
    "partition": "partition with constraints of its own",
    "removal": "rows that the source has no more",
}


def validation(report: ValidationDocument) -> RenderableType:
    """Families, failing checks, what was not tried, and the verdict."""
    parts: list[RenderableType] = [Text("\nValidation", "bold"), _families(report)]
    failing = [check for check in report.checks if check.failing or not check.passed]
    if failing:
        parts += [Text("\nChecks that rows failed", "bold"), _checks(failing)]
    if report.left_out:
        tables = sum(not one.column for one in report.left_out)
        columns = len(report.left_out) - tables
        parts.append(Text(f"\nNot moved by the plan: {grouped(tables)} tables, {grouped(columns)} columns."))
    if report.not_checked:
        parts += [Text("\nNot checked: only a real run shows these", "bold"), _not_checked(report.not_checked)]
    return Group(*parts, Text(), _verdict(report))


def exit_code(report: ValidationDocument) -> ExitCode:
    """What a script should know of a dry run."""
    if report.outcome is not Outcome.PASSED:
        return ExitCode.FAILED
    return ExitCode.WARNINGS if any(check.failing for check in report.checks) else ExitCode.OK


def _families(report: ValidationDocument) -> Table:
    table = _table("family")
    for title in ("checks", "with failing rows", "failed"):
        table.add_column(title, justify="right")
    for one in report.families:
        counts = (one.checks, one.with_failing_rows, one.failed)
        table.add_row(Text(one.family), *(grouped(count) for count in counts))
    return table


def _checks(checks: list[CheckResult]) -> Table:
    table = _table("family", "mapping", "reason", "column or rule")
    for title in ("failing", "checked", "share", "threshold", "passed"):
        table.add_column(title, justify="right")
    for check in checks:
        table.add_row(
            *map(Text, (check.family, check.mapping, check.reason, check.column)),
            grouped(check.failing),
            grouped(check.checked),
            f"{check.share:.3%}",
            f"{check.threshold:.3%}",
            Text("yes", "green") if check.passed else Text("NO", "bold red"),
        )
    return table


def _not_checked(found: tuple[UncheckedDocument, ...]) -> Table:
    table = _table("table", "what", "name")
    for one in found:
        table.add_row(*map(Text, (one.table, UNCHECKED_WORDS[one.kind], one.name)))
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in titles:
        table.add_column(title)
    return table


def _verdict(report: ValidationDocument) -> Text:
    styles = {ExitCode.OK: ("✓", "bold green"), ExitCode.WARNINGS: ("✓", "bold yellow")}
    mark, style = styles.get(exit_code(report), ("✗", "bold red"))
    return Text(f"{mark} {report.sentence}", style)
