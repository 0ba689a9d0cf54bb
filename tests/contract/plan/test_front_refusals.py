"""Golden refusals: each folder holds a bad plan and, in `refusal.txt`, exactly what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.plan.checks import check_plan
from shared.plan.compile import compile_plan
from shared.plan.position import PlanRefused
from shared.plan.reader import read_plan
from tests.planning import APP, DESCRIBED, LEGACY

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("refused/*/plan.yml"))


def take(folder: Path) -> None:
    plan = read_plan(folder)
    check_plan(plan)
    compile_plan(plan, LEGACY, APP, DESCRIBED, transfuse_version="0")


def refusal(folder: Path) -> str:
    with pytest.raises(PlanRefused) as refused:
        take(folder)
    lines = []
    for problem in refused.value.problems:
        lines += [str(problem), f"    {problem.source_line.strip()}"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_bad_plan_is_refused_in_these_words(folder: Path) -> None:
    assert refusal(folder) == (folder / "refusal.txt").read_text(encoding="utf-8")


def test_every_kind_of_bad_input_has_its_golden_refusal() -> None:
    assert {folder.name for folder in FOLDERS} >= {
        "broken_yaml",
        "circle",
        "from_not_one_select",
        "from_with_side_effects",
        "repeated_key",
        "syntax_error",
        "unknown_codebook",
        "unknown_column",
        "unknown_function",
        "unknown_table",
    }
