from __future__ import annotations

import msgspec
import pytest

from shared.plan.compile import compile_plan
from shared.plan.compiled import CompiledPlan
from shared.plan.explain import explain, explanation_text
from shared.postgres.catalog import UniqueKey
from tests.planning import APP, APP_PATIENTS, CLINIC, DESCRIBED, INTEGER, LEGACY, catalog, read

VISITORS = """\
  - name: visitors
    into: patients
    from: contact c
    key: c.id
    columns:
      id: key()
      legacy_id: c.person_id
      phone: "'visitor'"
"""
BOTH = CLINIC.replace("unmapped:", f"{VISITORS}unmapped:").replace(
    "      phone: phone(c.phone, 'US')\n", "      phone: {phone}\n"
)
PATIENTS = BOTH.replace("{phone}", "\"'patient'\"")


def keyed(*keys: UniqueKey) -> CompiledPlan:
    """Both mappings of one table that has these unique keys beside its primary one."""
    table = msgspec.structs.replace(APP_PATIENTS, keys=(APP_PATIENTS.keys[0], *keys))
    target = catalog("app", APP.tables["doctors"], table)
    described = {**DESCRIBED, "visitors": {"": {"k0": INTEGER}}}
    return compile_plan(read(PATIENTS), LEGACY, target, described, transfuse_version="0.1.0")


def unique(*columns: str) -> UniqueKey:
    return UniqueKey(name="u", columns=columns)


def test_mappings_whose_rows_may_meet_in_a_unique_key_load_one_after_the_other() -> None:
    plan = keyed(unique("legacy_id"))
    assert plan.mapping("visitors").depends_on == ()
    assert plan.mapping("patients").depends_on == ("doctors", "visitors")
    assert [(one.name, one.wave) for one in plan.mappings] == [("doctors", 0), ("visitors", 0), ("patients", 1)]
    assert "patients -> app.patients (wave 1, after doctors, visitors)" in explanation_text(explain(plan))


@pytest.mark.parametrize(
    "keys",
    ((), (unique("legacy_id", "phone"),), (unique("legacy_id", "id"),), (unique("metadata"),)),
    ids=("primary", "two constants", "with the key", "not written"),
)
def test_mappings_whose_rows_cannot_meet_load_side_by_side(keys: tuple[UniqueKey, ...]) -> None:
    plan = keyed(*keys)
    assert plan.mapping("patients").depends_on == ("doctors",)
    assert plan.mapping("visitors").depends_on == ()


def test_an_index_over_an_expression_may_hold_anything() -> None:
    assert "visitors" in keyed(UniqueKey(name="u", columns=(), partial=True)).mapping("patients").depends_on


def test_what_the_plan_declares_free_of_duplicates_is_believed() -> None:
    checked = "    unique: {legacy_id: checked}\n"
    text = PATIENTS.replace(VISITORS, f"{checked}{VISITORS}{checked}")
    described = {**DESCRIBED, "visitors": {"": {"k0": INTEGER}}}
    plan = compile_plan(read(text), LEGACY, APP, described, transfuse_version="0.1.0")
    assert plan.mapping("patients").depends_on == ("doctors",)
