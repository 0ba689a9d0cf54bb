"""The order of mappings, and the columns that have to wait for it: references to oneself, and what closes a circle.

Such a column stays NULL while rows are loaded and is set by a second pass. Which columns of a circle wait follows from
the plan and the target alone: of the references within a circle that may wait, first those whose author has said what
becomes of them without their parent (`missing_parent`), then in the order of the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import msgspec

from shared.plan.model import Mapping, MissingParent
from shared.plan.references import cycle, dependencies, referred, waves
from shared.plan.report import Report
from shared.plan.taking_turns import turns
from shared.postgres.catalog import Table

WhyNot = Callable[[Mapping, str], str]
"""Why a column of a mapping cannot be set later, empty if it can."""
ALLOWED = frozenset({MissingParent.NULL_IT, MissingParent.FAIL_RUN})
"""What may become of a reference whose row is in the target already."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The mappings that each waits for in the first pass, their waves, and by mapping the columns that wait.

    A mapping waits for those that it refers to, and for those before it whose rows of the same table may meet its own.
    """

    depends_on: dict[str, tuple[str, ...]]
    waves: dict[str, int]
    deferred: dict[str, tuple[str, ...]]

    def waits_for(self, mapping: Mapping) -> tuple[str, ...]:
        """The mappings whose rows the second pass of a mapping refers to."""
        references = referred(mapping)
        waiting = self.deferred.get(mapping.name, ())
        return tuple(dict.fromkeys(name for column in waiting for name in references[column]))


def order_of(mappings: tuple[Mapping, ...], report: Report, tables: dict[str, Table | None] | None = None) -> Order:
    """The order of a plan's mappings; circles that cannot be opened go to the report.

    Without the `tables` of the target, by mapping, every column counts as nullable.
    """
    known = {} if tables is None else tables

    def why_not(mapping: Mapping, column: str) -> str:
        return reason_against(mapping, column, known.get(mapping.name))

    waiting = list(to_themselves(mappings))
    for mapping, column in waiting:
        check_own(mapping, column, why_not(mapping, column), report)
    names = {(mapping.name, column) for mapping, column in waiting}
    while True:
        depends_on = dependencies(mappings, names)
        placed = waves(depends_on)
        if len(placed) == len(mappings):
            break
        opened = next(iter(openings(mappings, names, depends_on, why_not)), None)
        if opened is None:
            circle = cycle(depends_on, placed)
            check_circle(mappings, names, circle, why_not, report)
            break
        names |= opened
    deferred = {
        mapping.name: tuple(column.column for column in mapping.columns if (mapping.name, column.column) in names)
        for mapping in mappings
    }
    if len(placed) == len(mappings):
        for later, earlier in turns(mappings, known, placed):
            depends_on[later] = tuple(dict.fromkeys((*depends_on[later], earlier)))
        placed = waves(depends_on)
    return Order(
        depends_on=depends_on, waves=placed, deferred={name: columns for name, columns in deferred.items() if columns}
    )


def reason_against(mapping: Mapping, column: str, table: Table | None) -> str:
    """Why a column cannot stay NULL until a second pass, empty if it can."""
    written = None if table is None else table.column(column)
    if table is not None and written is not None and written.not_null:
        return f"NOT NULL in {table.name}"
    if any(followed.column == column for followed in mapping.follows):
        return "what is followed decides whether the row is loaded"
    if any(text.value == column for text in mapping.required):
        return "required"
    policy = mapping.missing_parent.get(column)
    if policy is not None and not policy.fates <= ALLOWED:
        return "missing_parent must be null_it or fail_run, for its row is loaded by then"
    return ""


def to_themselves(mappings: tuple[Mapping, ...]) -> Iterator[tuple[Mapping, str]]:
    """Columns that refer to rows of their own mapping."""
    for mapping in mappings:
        for column, names in referred(mapping).items():
            if mapping.name in names:
                yield mapping, column


def openings(
    mappings: tuple[Mapping, ...],
    deferred: set[tuple[str, str]],
    depends_on: dict[str, tuple[str, ...]],
    why_not: WhyNot,
) -> list[set[tuple[str, str]]]:
    """Ways to take one reference out of a circle, the best first: all columns of one mapping that refer to another."""
    within = {name: reached(name, depends_on) for name in depends_on}
    found: list[tuple[bool, set[tuple[str, str]]]] = []
    for mapping in mappings:
        references = referred(mapping)
        for parent in depends_on[mapping.name]:
            columns = [
                column
                for column, names in references.items()
                if parent in names and (mapping.name, column) not in deferred
            ]
            if mapping.name in within[parent] and not any(why_not(mapping, column) for column in columns):
                said = all(column in mapping.missing_parent for column in columns)
                found.append((not said, {(mapping.name, column) for column in columns}))
    return [columns for _, columns in sorted(found, key=lambda one: one[0])]


def reached(name: str, depends_on: dict[str, tuple[str, ...]]) -> set[str]:
    """The mappings that a mapping refers to, over any number of others."""
    found: set[str] = set()
    ahead = list(depends_on[name])
    while ahead:
        parent = ahead.pop()
        if parent not in found:
            found.add(parent)
            ahead.extend(depends_on[parent])
    return found


def check_own(mapping: Mapping, column: str, reason: str, report: Report) -> None:
    """A column that refers to its own mapping can only be set when all its rows are there."""
    if reason:
        expression = next(one.expression for one in mapping.computed if one.column == column)
        message = (
            f"{column!r} refers to its own mapping, so that it is NULL until all its rows are there, but: {reason}"
        )
        report.problem(expression.position, message)


def check_circle(
    mappings: tuple[Mapping, ...],
    deferred: set[tuple[str, str]],
    circle: tuple[str, ...],
    why_not: WhyNot,
    report: Report,
) -> None:
    """Nothing opens a circle: say of each of its references why not."""
    by_name = {mapping.name: mapping for mapping in mappings}
    reasons = [
        f"{child}.{column} ({why_not(by_name[child], column)})"
        for child, parent in pairwise(circle)
        for column, names in referred(by_name[child]).items()
        if parent in names and (child, column) not in deferred and why_not(by_name[child], column)
    ]
    message = (
        f"the mappings wait for each other ({' -> '.join(circle)}) and no reference between them can be set later: "
        f"{', '.join(reasons)}"
    )
    report.problem(by_name[circle[0]].position, message)
