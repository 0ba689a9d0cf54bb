from __future__ import annotations

import pytest

from shared.plan.compile import compile_plan
from shared.plan.compiled import CompiledPlan
from shared.plan.explain import explain, explanation_text
from shared.plan.position import PlanRefused
from tests.planning import APP, CLINIC, DESCRIBED, LEGACY, problems, read

ORDERED = CLINIC.replace("name: clinic\n", "name: clinic\nkeys: uuid8\n")
CLEAR = ORDERED.replace("      name: clean(d.name)\n", "      name: clean(d.name)\n    clear: [id]\n").replace(
    "unmapped:", "    clear: [legacy_id]\nunmapped:"
)


def compiled(text: str) -> CompiledPlan:
    return compile_plan(read(text), LEGACY, APP, DESCRIBED, transfuse_version="0.1.0")


def test_ordered_keys_are_refused_for_a_key_that_is_phi_at_its_place() -> None:
    with pytest.raises(PlanRefused) as refusal:
        compiled(ORDERED)
    found = problems(refusal.value)
    assert [text.split(": ")[1] for text in found] == ["`keys"] * 2
    assert [problem.source_line.strip() for problem in refusal.value.problems] == ["key: d.id", "key: p.id"]
    assert "shows this key in every UUID of doctors: list the column that holds it under `clear`" in found[0]


def test_a_key_is_clear_by_the_column_that_copies_it_or_by_the_key_itself() -> None:
    plan = compiled(CLEAR)
    assert [one.ordered_keys for one in plan.mappings] == [True, True]
    (check,) = [one for one in plan.mapping("patients").transform.checks if one.reason == "key_out_of_range"]
    assert check.column == "id"


def test_mappings_with_other_keys_keep_uuid5_and_the_explanation_says_so() -> None:
    several = CLEAR.replace("    key: p.id\n", "    key: [p.id, p.doctor_id]\n")
    plan = compiled(several)
    assert {one.name: one.ordered_keys for one in plan.mappings} == {"doctors": True, "patients": False}
    shown = explanation_text(explain(plan))
    assert "keys uuid8, cut by" in shown
    assert "keys uuid5, cut by" in shown


def test_a_plan_without_ordered_keys_checks_no_range() -> None:
    plan = compiled(CLINIC)
    assert not any(one.ordered_keys for one in plan.mappings)
    assert "key_out_of_range" not in {check.reason for one in plan.mappings for check in one.transform.checks}


def test_a_key_domain_is_one_line_of_text() -> None:
    with pytest.raises(PlanRefused) as refusal:
        read(CLINIC.replace("    into: doctors\n", '    into: doctors\n    key_domain: "\\x01doctors"\n'))
    assert problems(refusal.value)[0].endswith("'key_domain' is one line of text without control characters")
