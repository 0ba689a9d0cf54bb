"""What a plan says of rows that are gone from the source, and of rows that somebody changed in the target."""

from __future__ import annotations

import pytest

from shared.plan.checks import check_plan
from shared.plan.compile import compile_plan
from shared.plan.compiled import CompiledPlan, Mark
from shared.plan.diff import diff_plans
from shared.plan.explain import explain, explanation_text
from shared.plan.model import Changed, Gone
from shared.plan.position import PlanRefused
from shared.plan.selection import select
from shared.postgres.catalog import Catalog, ColumnType
from tests.planning import APP, CLINIC, DESCRIBED, LEGACY, TEXT, UUID, catalog, pointed, problems, read, table

MOMENT = ColumnType(oid=1184, typmod=-1, name="timestamp with time zone")
DOCTORS = table("app", "doctors", {"id": UUID, "name": TEXT, "deleted_at": MOMENT})
TARGET = catalog("app", DOCTORS, APP.tables["patients"])
WRITTEN = CLINIC.replace("name: clean(d.name)\n", 'name: clean(d.name)\n      deleted_at: "NULL"\n')


def said(policies: str, text: str = WRITTEN) -> str:
    return text.replace("    from: doctor d\n", f"    from: doctor d\n{policies}")


def compiled(text: str, target: Catalog = TARGET) -> CompiledPlan:
    return compile_plan(read(text), LEGACY, target, DESCRIBED, transfuse_version="0.1.0")


def test_a_plan_that_says_nothing_leaves_rows_alone_and_lets_the_source_win() -> None:
    program = compiled(WRITTEN).mapping("doctors").load
    assert (program.gone, program.marks, program.changed) == (Gone.IGNORE, (), Changed.SOURCE_WINS)


@pytest.mark.parametrize(
    ("policies", "gone", "marks"),
    (
        ("    gone: ignore\n", Gone.IGNORE, ()),
        ("    gone: remove\n", Gone.REMOVE, ()),
        ("    gone: {mark: {deleted_at: now()}}\n", Gone.MARK, (Mark(column="deleted_at", value=None),)),
        (
            "    gone: {mark: {deleted_at: 2020-02-29, name: former}}\n",
            Gone.MARK,
            (Mark(column="deleted_at", value="2020-02-29"), Mark(column="name", value="former")),
        ),
    ),
)
def test_what_becomes_of_rows_that_are_gone_is_compiled(policies: str, gone: Gone, marks: tuple[Mark, ...]) -> None:
    program = compiled(said(policies)).mapping("doctors").load
    assert (program.gone, program.marks) == (gone, marks)


@pytest.mark.parametrize(
    ("policies", "place", "told"),
    (
        ("    gone: delete\n", "delete", "'gone' is one of ignore, remove"),
        ("    gone: {mark: {}}\n", "{mark", "'mark' names at least one column"),
        ("    gone: {remove: {}}\n", "{remove", "needs 'mark'"),
        ("    gone: {mark: {deleted: now()}}\n", "now()", "mapping 'doctors' has to fill 'deleted'"),
        ("    gone: {mark: {id: now()}}\n", "now()", "'id' holds a key"),
        ("    changed: newest\n", "newest", "'changed' is one of source_wins, target_wins, quarantine"),
    ),
)
def test_a_policy_that_is_none_is_refused_at_its_place(policies: str, place: str, told: str) -> None:
    text = said(policies)
    with pytest.raises(PlanRefused) as raised:
        check_plan(read(text))
    first = raised.value.problems[0]
    assert pointed(first, text).startswith(place)
    assert told in problems(raised.value)[0]


@pytest.mark.parametrize("mark", ("{deleted_at: yesterday}", "{name: now()}"))
def test_a_mark_that_its_column_does_not_take_is_refused(mark: str) -> None:
    with pytest.raises(PlanRefused) as raised:
        compiled(said(f"    gone: {{mark: {mark}}}\n"))
    (told,) = problems(raised.value)
    assert "this is no value for" in told


def test_the_difference_of_plans_and_their_explanation_tell_the_policies() -> None:
    text = said("    gone: {mark: {deleted_at: now()}}\n    changed: target_wins\n")
    (part,) = diff_plans(read(WRITTEN), read(text)).mappings
    assert {change.what: change.new for change in part.changes} == {
        "gone": "mark deleted_at: now()",
        "changed": "target_wins",
    }
    told = explanation_text(explain(compiled(text)))
    assert "rows that left the source: mark deleted_at: now(); changed in the target: target_wins" in told


def test_who_refers_to_a_mapping_is_known_also_when_it_is_run_alone() -> None:
    plan = read(WRITTEN)
    alone = compile_plan(
        plan, LEGACY, TARGET, DESCRIBED, transfuse_version="0.1.0", selection=select(plan, ("doctors",))
    )
    (doctors,) = alone.mappings
    assert [(str(one.table), one.column, one.referenced_column) for one in doctors.load.referrers] == [
        ("app.patients", "doctor_id", "id")
    ]
