"""What a draft leaves open: `"?"` where an expression or a reason is still to be written. Such a plan does not run."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from shared.plan.model import Mapping, Plan, Text
from shared.plan.position import Position
from shared.plan.report import Report

QUESTION = "?"
ASKED = re.compile(r"""(?:^\s*|[{,]\s*)["']?(?P<key>[^"'{},:]+)["']?\s*:\s*["']\?["']""")
"""A key whose value is a question, as it stands in a line."""


def is_question(text: str) -> bool:
    """Whether a text of a plan stands for one that is still to be written."""
    return text.strip() == QUESTION


def report_questions(plan: Plan, report: Report) -> None:
    """Note every question of a plan at its place, with what answers it."""
    for mapping in plan.mappings:
        for column in mapping.columns:
            if is_question(column.expression.value):
                message = (
                    f'column {column.column!r} is still a question: write its expression, "NULL", '
                    "or leave the line out for the target's default"
                )
                report.problem(column.expression.position, message)
        for text in other_texts(mapping):
            if is_question(text.value):
                report.problem(text.position, "this is still a question: write what belongs here")
    asked = [table for table, reason in plan.unmapped.items() if is_question(reason)]
    places = places_of_tables(plan) if asked else {}
    start = Position(file=next(iter(plan.files), ""), line=1, column=1)
    for table in asked:
        message = f"table {table!r} is still a question: map it, or write why it is not moved"
        report.problem(places.get(table, start), message)


def other_texts(mapping: Mapping) -> Iterator[Text]:
    """What a mapping says beside its columns."""
    yield from (mapping.into, mapping.from_, *mapping.key)
    yield from (one.expression for one in mapping.follows)
    yield from (rule.check for rule in mapping.rules)
    if mapping.keep is not None:
        yield mapping.keep


def without_questions(plan: Plan) -> Plan:
    """The plan as far as it is decided: columns and tables that are questions are left out."""
    mappings = tuple(
        msgspec.structs.replace(
            mapping, columns=tuple(one for one in mapping.columns if not is_question(one.expression.value))
        )
        for mapping in plan.mappings
    )
    unmapped = {table: reason for table, reason in plan.unmapped.items() if not is_question(reason)}
    return msgspec.structs.replace(plan, mappings=mappings, unmapped=unmapped)


def places_of_tables(plan: Plan) -> dict[str, Position]:
    """Where keys stand whose values are questions, in whichever file; a table's is the last of its name."""
    return {
        found["key"].strip(): Position(file=file, line=number, column=found.start("key") + 1)
        for file, text in plan.files.items()
        for number, line in enumerate(text.splitlines(), 1)
        for found in ASKED.finditer(line)
    }
