from __future__ import annotations

import msgspec
import pytest

from shared.core.errors import Refused
from shared.plan.compile import compile_plan
from shared.plan.compiled import CompiledPlan, decode_compiled, encode_compiled
from shared.plan.deferred import order_of
from shared.plan.explain import explain, explanation_text
from shared.plan.model import MissingParent
from shared.plan.position import PlanRefused
from shared.plan.report import Report
from shared.plan.selection import Selection, select
from shared.postgres.catalog import Catalog, Column, UniqueKey
from tests.planning import APP, APP_PATIENTS, CLINIC, DESCRIBED, LEGACY, TEXT, UUID, catalog, problems, read, table

BOSS = CLINIC.replace("name: clean(d.name)", "name: clean(d.name)\n      boss: ref('doctors', d.id + 1)")
CIRCLE = CLINIC.replace("name: clean(d.name)", "name: clean(d.name)\n      best: ref('patients', d.id)")
DOCTORS = table("app", "doctors", {"id": UUID, "name": TEXT, "boss": UUID, "best": UUID})
TARGET = catalog("app", DOCTORS, APP_PATIENTS)


def compiled(text: str, target: Catalog = TARGET, selection: Selection | None = None) -> CompiledPlan:
    return compile_plan(read(text), LEGACY, target, DESCRIBED, transfuse_version="0.1.0", selection=selection)


def refused(text: str, target: Catalog = TARGET) -> list[str]:
    with pytest.raises(PlanRefused) as refusal:
        compiled(text, target)
    return problems(refusal.value)


def not_null(*names: str) -> Catalog:
    """The target with columns that do not take NULL."""

    def told(column: Column) -> Column:
        return msgspec.structs.replace(column, not_null=column.not_null or column.name in names)

    tables = [msgspec.structs.replace(one, columns=tuple(map(told, one.columns))) for one in TARGET.tables.values()]
    return catalog("app", *tables)


def test_a_reference_to_its_own_mapping_is_set_by_a_second_pass_that_reads_no_more_than_it_needs() -> None:
    plan = compiled(BOSS)
    first = plan.mapping("doctors")
    assert first.load.columns == ("id", "name")
    assert [column.name for column in first.transform.target_columns] == ["id", "name"]
    assert first.depends_on == ()
    second = first.of_pass(2)
    assert second.load.columns == ("id", "boss")
    assert [column.name for column in second.transform.target_columns] == ["id", "boss"]
    assert [column.column for column in second.source.columns] == ["id"]
    assert second.depends_on == ("doctors",)
    (reference,) = second.load.references
    assert {reference.absent, reference.filtered, reference.quarantined} == {MissingParent.NULL_IT}
    assert first.load.references == ()
    assert decode_compiled(encode_compiled(plan)) == plan
    assert plan.mapping("patients").second is None
    with pytest.raises(ValueError, match="no pass 2"):
        plan.mapping("patients").of_pass(2)


def test_what_is_wrong_with_a_reference_that_waits_is_found_in_the_first_pass() -> None:
    plan = compiled(BOSS.replace("d.id + 1", "d.name"))
    assert ("bad_reference", "boss") in [
        (check.reason, check.column) for check in plan.mapping("doctors").transform.checks
    ]


def test_the_author_may_let_the_run_fail_instead() -> None:
    plan = compiled(BOSS.replace("- name: patients", "  missing_parent: {boss: fail_run}\n  - name: patients"))
    (reference,) = plan.mapping("doctors").of_pass(2).load.references
    assert reference.absent is MissingParent.FAIL_RUN


def test_a_circle_is_opened_at_the_first_reference_that_may_wait() -> None:
    plan = compiled(CIRCLE)
    assert [(one.name, one.wave) for one in plan.mappings] == [("doctors", 0), ("patients", 1)]
    second = plan.mapping("doctors").second
    assert second is not None
    assert (second.columns, second.depends_on) == (("best",), ("patients",))
    assert plan.mapping("patients").second is None


def test_a_circle_is_opened_where_the_author_has_said_what_becomes_of_a_missing_parent() -> None:
    text = CIRCLE.replace("unmapped:", "    missing_parent: {doctor_id: null_it}\nunmapped:")
    plan = compiled(text)
    assert [one.name for one in plan.mappings] == ["patients", "doctors"]
    second = plan.mapping("patients").second
    assert second is not None
    assert second.columns == ("doctor_id",)


def test_a_circle_is_opened_where_the_target_takes_null() -> None:
    plan = compiled(CIRCLE, not_null("best"))
    assert [one.name for one in plan.mappings] == ["patients", "doctors"]
    assert plan.mapping("doctors").second is None


def test_every_reference_of_a_circle_is_named_where_none_may_wait() -> None:
    (message,) = refused(CIRCLE, not_null("best", "doctor_id"))
    assert "no reference between them can be set later: " in message
    assert "doctors.best (NOT NULL in app.doctors), patients.doctor_id (NOT NULL in app.patients)" in message


def test_a_reference_to_its_own_mapping_must_be_nullable_and_is_refused_at_its_place() -> None:
    (message,) = refused(BOSS, not_null("boss"))
    assert message.startswith("plan.yml:16:13: 'boss' refers to its own mapping")
    assert message.endswith("NOT NULL in app.doctors")


def test_the_choice_is_the_same_whatever_comes_after_it() -> None:
    plan = read(CIRCLE)
    orders = {msgspec.json.encode(order_of(plan.mappings, Report(plan.files))) for _ in range(5)}
    assert len(orders) == 1


def test_a_second_pass_settles_in_order_where_it_sets_part_of_a_unique_key() -> None:
    assert not compiled(BOSS).mapping("doctors").of_pass(2).load.in_seq_order
    unique = UniqueKey(name="boss_name", columns=("boss", "name"))
    target = catalog("app", msgspec.structs.replace(DOCTORS, keys=(*DOCTORS.keys, unique)), APP_PATIENTS)
    assert compiled(BOSS, target).mapping("doctors").of_pass(2).load.in_seq_order


def test_the_explanation_says_which_references_wait() -> None:
    plan = compiled(BOSS)
    assert "boss refers to doctors (checked by the loader), set by a second pass" in explanation_text(explain(plan))


def test_a_run_of_some_mappings_compiles_these_and_expects_the_others_in_the_target() -> None:
    plan = read(CLINIC)
    some = compiled(CLINIC, APP, select(plan, ["patients"]))
    assert [(one.name, one.depends_on) for one in some.mappings] == [("patients", ())]
    whole = compiled(CLINIC, APP).mapping("patients")
    assert some.mappings[0].transform == whole.transform
    assert some.mappings[0].load == whole.load


def test_a_late_column_is_filled_in_with_nothing_but_its_key_and_what_rules_about_it_look_at() -> None:
    about = "{name: a, check: phone IS NOT NULL OR sex IS NOT NULL}"
    rules = f"    rules:\n      - {about}\n      - {{name: b, check: legacy_id > 0}}\n"
    text = CLINIC.replace("unmapped:", f"{rules}unmapped:")
    (late,) = compiled(text, APP, select(read(text), ["patients.phone"])).mappings
    assert late.load.columns == ("id", "phone")
    assert [column.name for column in late.transform.target_columns] == ["id", "phone"]
    assert [(column.alias, column.column) for column in late.source.columns] == [("p", "sex"), ("c", "phone")]
    assert {check.column for check in late.transform.checks} == {"phone", "sex", "a"}
    (alone,) = compiled(CLINIC, APP, select(read(CLINIC), ["patients.phone"])).mappings
    assert [column.column for column in alone.source.columns] == ["phone"]


def test_a_late_value_that_does_not_fit_is_nulled_and_never_kept_aside() -> None:
    def effects(fate: str) -> set[str]:
        text = CLINIC.replace("unmapped:", f"    bad_value: {{sex: {fate}}}\nunmapped:")
        (late,) = compiled(text, APP, select(read(text), ["patients.sex"])).mappings
        return {check.effect.value for check in late.transform.checks if check.reason == "unknown_code"}

    assert effects("null_it") == {"warn"}
    assert effects("keep_aside") == {"refuse"}


def test_the_rest_that_is_filled_in_late_is_the_same_rest() -> None:
    whole = compiled(CLINIC, APP).mapping("patients")
    (late,) = compiled(CLINIC, APP, select(read(CLINIC), ["patients.metadata"])).mappings
    assert late.transform.packed == whole.transform.packed


@pytest.mark.parametrize(
    ("only", "code", "said"),
    (
        (["patient"], "unknown_mapping", "The plan has no mapping 'patient'. Did you mean 'patients'?"),
        (["patients.fone"], "unknown_column", "no column 'fone' that could be set later. Did you mean 'phone'?"),
        (["patients.id"], "unknown_column", "no column 'id' that could be set later."),
        (["doctors", "patients.phone"], "contradiction", "whole mappings or of single columns"),
        (["patients", "patients.phone"], "contradiction", "whole mappings or of single columns"),
    ),
)
def test_what_a_run_cannot_be_of_is_refused_with_the_nearest_name(only: list[str], code: str, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        select(read(CLINIC), only)
    assert refusal.value.code == code
    assert said in str(refusal.value)
    assert refusal.value.remedy
