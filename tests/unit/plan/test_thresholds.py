"""Thresholds of checks in a plan: read, held against the mapping, compiled."""

from __future__ import annotations

import pytest

from shared.plan.checks import check_plan
from shared.plan.compile import compile_plan
from shared.plan.diff import diff_plans
from shared.plan.position import PlanRefused
from tests.planning import APP, CLINIC, DESCRIBED, LEGACY, pointed, read


def said(thresholds: str) -> str:
    return CLINIC.replace("    from: doctor d\n", f"    from: doctor d\n    thresholds: {thresholds}\n")


@pytest.mark.parametrize(("written", "share"), (("5%", 0.05), ("0.5%", 0.005), ("0", 0.0), ("1", 1.0), ("0.25", 0.25)))
def test_a_threshold_is_a_percentage_or_a_number(written: str, share: float) -> None:
    compiled = compile_plan(
        read(said(f"{{name: {written}, unknown_code: 2%}}")), LEGACY, APP, DESCRIBED, transfuse_version="0.1.0"
    )
    assert compiled.mapping("doctors").load.thresholds == {"name": share, "unknown_code": 0.02}
    assert compiled.mapping("patients").load.thresholds == {}


@pytest.mark.parametrize("written", ("lots", "101%", "1.5", "[1]", "-1"))
def test_anything_else_is_refused_at_its_place(written: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        read(said(f"{{name: {written}}}"))
    (problem,) = refused.value.problems
    assert "threshold of 'name'" in problem.message
    assert pointed(problem, said(f"{{name: {written}}}")).startswith(written)


def test_a_name_that_is_no_rule_column_or_reason_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(PlanRefused) as refused:
        check_plan(read(said("{nmae: 1%}")))
    (problem,) = refused.value.problems
    assert "thresholds names 'nmae'" in problem.message
    assert problem.suggestion == "name"
    assert pointed(problem, said("{nmae: 1%}")).startswith("nmae")


def test_a_changed_threshold_is_a_difference_of_two_plans() -> None:
    assert diff_plans(read(said("{name: 1%}")), read(said("{name: 2%}"))) != diff_plans(
        read(said("{name: 1%}")), read(said("{name: 1%}"))
    )
