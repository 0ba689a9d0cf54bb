"""What a merge does with rows that the source has no more, and with rows that somebody changed in the target."""

from __future__ import annotations

from shared.plan.compiled import Mark
from shared.plan.fields import Fields, choice_of, fields_of, named_texts
from shared.plan.model import Changed, Gone, GoneRows, Mapping
from shared.plan.placeholders import fits
from shared.plan.references import key_column, referred
from shared.plan.report import Report
from shared.plan.source_types import base_oid
from shared.plan.yaml_document import YamlScalar
from shared.postgres.catalog import Table

NOW = "now()"
"""The value of a mark that stands for the moment of the run's snapshot, as in expressions."""
MOMENTS = frozenset({1082, 1114, 1184})
"""date, timestamp, timestamptz."""
WORDS = (Gone.IGNORE, Gone.REMOVE)


def read_gone(fields: Fields) -> GoneRows | None:
    """The policy for rows that are gone: a word, or the columns that mark them."""
    node = fields.take("gone")
    if node is None:
        return None
    if isinstance(node, YamlScalar):
        fate = choice_of(node, "'gone'", (*WORDS, "{mark: {column: value}}"), fields.report)
        return GoneRows(position=node.position, fate=Gone(fate)) if fate in WORDS else None
    policy = fields_of(node, f"'gone' of {fields.what}", fields.report)
    if policy is None:
        return None
    marks = {column.value: value for column, value in named_texts(policy.entries("mark", required=True), policy.report)}
    policy.done()
    return GoneRows(position=policy.position, fate=Gone.MARK, marks=marks)


def read_changed(fields: Fields) -> Changed:
    """The policy for rows that somebody changed in the target since they were written."""
    return Changed(fields.choice("changed", tuple(Changed), Changed.SOURCE_WINS))


def check_gone(mapping: Mapping, report: Report) -> None:
    """A mark is set in a column that the mapping fills, so that a row which comes back loses it."""
    if mapping.gone is None:
        return
    if mapping.gone.fate is Gone.MARK and not mapping.gone.marks:
        report.problem(mapping.gone.position, "'mark' names at least one column and its value: {deleted_at: now()}")
    columns = [column.column for column in mapping.columns]
    for column, value in mapping.gone.marks.items():
        if column not in columns:
            message = (
                f"gone: a row that comes back must lose its mark, so mapping {mapping.name!r} has to fill {column!r}, "
                f'with "NULL" where the source has no such column (columns: {{{column}: "NULL"}})'
            )
            report.problem(value.position, message, wrong=column, known=columns)
        elif column in referred(mapping) or column == key_column(mapping):
            report.problem(value.position, f"gone: {column!r} holds a key, which marks nothing")


def check_marks(mapping: Mapping, table: Table, report: Report) -> None:
    """Note every mark that its column would not take."""
    for column, value in mapping.gone.marks.items() if mapping.gone is not None else ():
        known = table.column(column)
        if known is None:
            continue  # told of the column's own expression
        is_now = value.value.strip() == NOW
        taken = base_oid(known.type) in MOMENTS if is_now else fits(known, value)
        if not taken:
            message = f"this is no value for {column!r} of {table.name}, which is {known.type.name}"
            report.problem(value.position, message)


def marks_of(mapping: Mapping) -> tuple[Mark, ...]:
    """The marks as the loader sets them."""
    if mapping.gone is None:
        return ()
    return tuple(
        Mark(column=column, value=None if value.value.strip() == NOW else value.value)
        for column, value in mapping.gone.marks.items()
    )


def gone_text(gone: GoneRows | None) -> str:
    """The policy in the words of the plan."""
    if gone is None or gone.fate is not Gone.MARK:
        return (Gone.IGNORE if gone is None else gone.fate).value
    return "mark " + ", ".join(f"{column}: {value.value}" for column, value in gone.marks.items())
