"""Placeholders, accounts and retired columns: what of them is refused, at its place."""

from __future__ import annotations

import pytest

from shared.plan.checks import check_plan
from shared.plan.compile import compile_plan
from shared.plan.compiled import CompiledPlan, PlaceholderRow
from shared.plan.explain import explain, explanation_text
from shared.plan.position import PlanRefused
from shared.postgres.catalog import Catalog, ColumnType
from tests.planning import APP, CLINIC, DESCRIBED, LEGACY, TEXT, UUID, catalog, pointed, problems, read, table

TURNED = CLINIC.replace(
    "unmapped:", "    missing_parent: {doctor_id: {without: placeholder, absent: placeholder}}\nunmapped:"
)
HELD = "    from: doctor d\n    placeholder: {columns: {name: Nobody}}\n"
WHOLE = TURNED.replace("    from: doctor d\n", HELD)
DATE = ColumnType(oid=1082, typmod=-1, name="date")
ACCOUNTS = """\
transfuse: 1
name: accounts
namespace: 8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10
source: {schema: legacy}
target: {schema: auth}
mappings:
  - name: accounts
    into: users
    from: person AS p
    key: p.id
    accounts: {from_hash: bcrypt}
    columns: {id: key(), encrypted_password: p.password}
"""


def compiled(text: str, target: Catalog = APP) -> CompiledPlan:
    return compile_plan(read(text), LEGACY, target, DESCRIBED, transfuse_version="0.1.0")


def refusals(text: str, target: Catalog = APP) -> list[tuple[str, str]]:
    """What is refused: where it points, and what is said."""
    with pytest.raises(PlanRefused) as raised:
        compiled(text, target)
    return [(pointed(problem, text), problem.message) for problem in raised.value.problems]


def test_a_placeholder_is_compiled_with_a_key_that_no_row_has() -> None:
    doctors, patients = compiled(WHOLE).mappings
    assert doctors.load.placeholders == ()
    assert patients.load.placeholders == (
        PlaceholderRow(
            mapping="doctors",
            table=doctors.load.table,
            key_column="id",
            key_name="doctors:\\placeholder",
            columns=("name",),
            values=("Nobody",),
        ),
    )


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    (
        (HELD, "    from: doctor d\n", "doctor_id: {without", "mapping 'doctors' has no placeholder to refer to"),
        ("name: Nobody", "id: 7", "7}}", "has no own 'id': its key is computed"),
        ("name: Nobody", "nmae: Nobody", "Nobody}}", "has no column 'nmae' to write"),
    ),
)
def test_what_a_placeholder_cannot_be_is_said_at_its_place(old: str, new: str, place: str, said: str) -> None:
    (found,) = refusals(WHOLE.replace(old, new))
    assert found[0].startswith(place)
    assert said in found[1]


def test_a_placeholder_needs_what_its_table_requires_and_values_of_its_columns() -> None:
    strict = table("app", "doctors", {"id": UUID, "name": TEXT, "born": DATE}, not_null=("id", "name"))
    patients = APP.tables["patients"]
    target = catalog("app", strict, patients)
    without = WHOLE.replace("columns: {name: Nobody}", "columns: {born: 2020-02-30}")
    found = [said for _, said in refusals(without, target)]
    assert found == [
        "the placeholder of 'doctors' needs a value for 'name', which must have one",
        "this is no value for 'born' of app.doctors, which is date",
    ]


def test_who_is_followed_or_one_of_several_has_no_placeholder() -> None:
    either = TURNED.replace(
        "doctor_id: ref('doctors', p.doctor_id)",
        "doctor_id: coalesce(ref('doctors', p.doctor_id), ref('people', p.id))",
    )
    people = "  - {name: people, into: doctors, from: person AS x, key: x.id, columns: {id: key()}}\nunmapped:"
    with pytest.raises(PlanRefused) as raised:
        check_plan(read(either.replace("unmapped:", people)))
    assert any(
        "may refer to doctors or people: a placeholder stands for a row of one mapping" in one
        for one in problems(raised.value)
    )


def test_nothing_fills_a_retired_column() -> None:
    retired = CLINIC + "retired: {doctors.name: nobody reads it}\n"
    (found,) = refusals(retired)
    assert found == (
        "clean(d.name)",
        f"doctors.name is retired (line {retired.count(chr(10))}: nobody reads it): nothing fills it",
    )


def test_a_retired_column_is_dropped_by_its_owner_with_the_statement_that_is_told() -> None:
    plan = compiled(
        CLINIC.replace("      name: clean(d.name)\n", "") + "retired: {doctors.name: old, doctors.gone: older}\n"
    )
    assert [(one.column, one.there) for one in plan.retired] == [("name", True), ("gone", False)]
    text = explanation_text(explain(plan))
    assert 'ALTER TABLE "app"."doctors" DROP COLUMN "name";' in text
    assert "gone" not in text


@pytest.mark.parametrize(
    ("line", "said"),
    (
        ("retired: {name: why}", "a retired column is written table.column"),
        ("retired: {nowhere.name: why}", "there is no table app.nowhere in the target"),
    ),
)
def test_what_is_no_column_of_the_target_cannot_be_retired(line: str, said: str) -> None:
    with pytest.raises(PlanRefused) as raised:
        compiled(CLINIC + line + "\n")
    assert said in problems(raised.value)[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    (
        ("    accounts: {from_hash: bcrypt}\n", "", "say what becomes of passwords"),
        ("from_hash: bcrypt", "from_hash: none", "leaves every password behind"),
        ("from_hash: bcrypt", "from_hash: md5", "is one of argon2, bcrypt, none"),
        (", encrypted_password: p.password", "", "from_hash: bcrypt needs the column 'encrypted_password'"),
        ("from: person", "bad_value: {encrypted_password: keep_aside}\n    from: person", "is not kept aside"),
    ),
)
def test_what_becomes_of_passwords_is_said_and_meant(old: str, new: str, said: str) -> None:
    with pytest.raises(PlanRefused) as raised:
        check_plan(read(ACCOUNTS.replace(old, new)))
    assert any(said in problem for problem in problems(raised.value))
