"""Whatever refers to whatever: an order is found where there is one, and nothing waits that need not or may not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.plan.deferred import order_of, reached
from shared.plan.model import ColumnExpression, Mapping, Text
from shared.plan.position import Position
from shared.plan.references import dependencies, waves
from shared.plan.report import Report

NAMES = ("a", "b", "c", "d", "e")
EDGES = st.frozensets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.booleans()), max_size=14)
HERE = Position(file="plan.yml", line=1, column=1)


def text(value: str) -> Text:
    return Text(value=value, position=HERE)


def mapping(name: str, edges: frozenset[tuple[str, str, bool]]) -> Mapping:
    """A mapping with a column for each of its edges, named by the parent and whether it may wait."""
    own = sorted((parent, may) for child, parent, may in edges if child == name)
    return Mapping(
        name=name,
        position=HERE,
        into=text(name),
        from_=text(f"{name} AS x"),
        key=(text("x.id"),),
        key_domain=name,
        columns=tuple(
            ColumnExpression(column=f"{parent}_{may}".lower(), expression=text(f"ref('{parent}', x.{parent})"))
            for parent, may in own
        ),
        required=tuple(text(f"{parent}_false") for parent, may in own if not may),
    )


@given(EDGES)
def test_circles_are_opened_where_they_can_be_and_only_there(edges: frozenset[tuple[str, str, bool]]) -> None:
    mappings = tuple(mapping(name, edges) for name in NAMES)
    report = Report({})
    order = order_of(mappings, report)
    fixed = frozenset(edge for edge in edges if not edge[2])
    possible = len(waves(dependencies(tuple(mapping(name, fixed) for name in NAMES)))) == len(NAMES)
    to_itself = any(child == parent for child, parent, _ in fixed)
    assert bool(report.problems) is (not possible or to_itself)
    if report.problems:
        return
    whole = dependencies(mappings)
    for name, columns in order.deferred.items():
        for column in columns:
            parent, may = column.split("_")
            assert may == "true"
            assert parent == name or name in reached(parent, whole), "it is on no circle"
    for name, parents in order.depends_on.items():
        assert all(order.waves[parent] < order.waves[name] for parent in parents)
