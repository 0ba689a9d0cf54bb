"""A first plan of two catalogues: what is plain is written, everything else is a question that refuses to run."""

from __future__ import annotations

import uuid

import msgspec
import pytest

from shared.plan.checks import check_plan
from shared.plan.draft import draft_plan
from shared.plan.draft_names import near_names, quoted, same_table, same_type
from shared.plan.position import PlanRefused
from shared.plan.reader import plan_of_files
from shared.postgres.catalog import Catalog, ForeignKey
from tests.planning import APP, INTEGER, JSONB, LEGACY, TEXT, UUID, catalog, table

NAMESPACE = uuid.UUID("8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10")


def questions(text: str) -> list[str]:
    """What the check of a draft says that is no question; empty if it asks nothing but questions."""
    try:
        check_plan(plan_of_files({"plan.yml": text}))
    except PlanRefused as refused:
        return [str(problem) for problem in refused.problems if "is still a question" not in problem.message]
    return []


def draft(source: Catalog, target: Catalog) -> str:
    return draft_plan("clinic", NAMESPACE, source, target).text


def test_the_check_of_a_draft_finds_its_questions_and_nothing_else() -> None:
    text = draft(LEGACY, APP)
    with pytest.raises(PlanRefused) as refused:
        check_plan(plan_of_files({"plan.yml": text}))
    problems = refused.value.problems
    assert len(problems) == draft_plan("clinic", NAMESPACE, LEGACY, APP).questions == text.count('"?"') - 1
    for problem in problems:
        assert "is still a question" in problem.message
        assert '"?"' in problem.source_line


def test_tables_and_columns_of_one_name_are_mapped_and_keys_and_references_computed() -> None:
    doctor = table("legacy", "doctor", {"id": INTEGER, "name": TEXT, "token": TEXT, "fax": TEXT})
    patient = msgspec.structs.replace(
        table("legacy", "patient", {"id": INTEGER, "doctor_id": INTEGER}),
        foreign_keys=(ForeignKey(name="f", columns=("doctor_id",), table=doctor.name, referenced=("id",)),),
    )
    doctors = table("app", "doctors", {"id": UUID, "name": TEXT, "metadata": JSONB, "legacy_id": INTEGER})
    patients = msgspec.structs.replace(
        table("app", "patients", {"id": UUID, "doctor_id": UUID}),
        foreign_keys=(ForeignKey(name="f", columns=("doctor_id",), table=doctors.name, referenced=("id",)),),
    )
    text = draft(catalog("legacy", doctor, patient), catalog("app", doctors, patients))
    for line in (
        "    from: doctor AS d\n    key: d.id\n",
        "      id: key()",
        "      name: d.name\n",
        "      metadata: rest(except := ['token'])  # every legacy column that no line above uses",
        '      legacy_id: "?"  # perhaps d.id; integer, may be NULL\n',
        "      doctor_id: ref('doctors', p.doctor_id)\n",
        "unmapped: {}\n",
    ):
        assert line in text, text
    assert questions(text) == []


def test_a_table_without_a_key_is_told_by_its_content_and_one_with_a_telling_key_has_a_secret_namespace() -> None:
    source = catalog("legacy", table("legacy", "log", {"what": TEXT}), table("legacy", "person", {"id": TEXT}))
    target = catalog("app", table("app", "logs", {"id": UUID}), table("app", "persons", {"id": UUID}))
    made = draft_plan("my-clinic", NAMESPACE, source, target)
    assert "key: content()" in made.text
    assert made.secret == "MY_CLINIC_NAMESPACE"
    assert "namespace: {secret: MY_CLINIC_NAMESPACE}" in made.text
    assert questions(made.text) == []


def test_every_legacy_table_is_mapped_or_asked_about_and_near_names_are_suggested() -> None:
    source = catalog(
        "legacy", table("legacy", "patient_visits", {"id": INTEGER}), table("legacy", "zzz", {"id": INTEGER})
    )
    target = catalog("app", table("app", "patient_visit_log", {"id": UUID}))
    text = draft(source, target)
    assert '  patient_visits: "?"  # perhaps into patient_visit_log\n' in text
    assert '  zzz: "?"\n' in text
    assert "#   patient_visit_log: perhaps from patient_visits" in text


def test_a_circle_of_columns_that_must_have_a_value_is_a_question() -> None:
    def pair(schema: str, name: str, other: str, kind: msgspec.Struct) -> object:
        made = table(schema, name, {"id": kind, f"{other}_id": kind}, not_null=("id", f"{other}_id"))  # type: ignore[dict-item]
        beside = msgspec.structs.replace(made.name, name=other)
        key = ForeignKey(name="f", columns=(f"{other}_id",), table=beside, referenced=("id",))
        return msgspec.structs.replace(made, foreign_keys=(key,))

    source = catalog("legacy", pair("legacy", "a", "b", INTEGER), pair("legacy", "b", "a", INTEGER))  # type: ignore[arg-type]
    target = catalog("app", pair("app", "a", "b", UUID), pair("app", "b", "a", UUID))  # type: ignore[arg-type]
    text = draft(source, target)
    assert text.count(": ref(") == 1
    assert "this closes a circle" in text
    assert questions(text) == []


def test_awkward_names_are_quoted_for_sql_and_yaml() -> None:
    awkward = {"id": INTEGER, "order": TEXT, "Key: one": TEXT, "no": TEXT}
    source = catalog("legacy", table("legacy", "user", awkward))
    target = catalog("app", table("app", "users", {"id": UUID, "order": TEXT, "Key: one": TEXT, "no": TEXT}))
    text = draft(source, target)
    assert "from: '\"user\" AS u'" in text or 'from: "user" AS u' in text
    assert 'order: u."order"' in text
    assert questions(text) == []


@pytest.mark.parametrize(
    ("legacy", "target", "same"),
    (
        ("dispatch_office", "offices", True),
        ("Office", "offices", True),
        ("categories", "category", True),
        ("order_items", "OrderItem", True),
        ("doctor_office", "offices", False),
        ("status", "statuses", False),
    ),
)
def test_plural_case_and_a_shared_prefix_make_no_other_name(legacy: str, target: str, same: bool) -> None:
    assert same_table(legacy, target, frozenset({"dispatch"})) is same


def test_lengths_make_no_other_type_and_near_names_come_first() -> None:
    short = msgspec.structs.replace(TEXT, name="character varying(20)")
    assert same_type(short, TEXT)
    assert not same_type(INTEGER, TEXT)
    assert near_names("first_name", ["firstname", "last_name", "zip"])[0] == "firstname"
    assert (quoted("name"), quoted("order"), quoted("Name")) == ("name", '"order"', '"Name"')
