from __future__ import annotations

from pathlib import Path

import pytest

from shared.core.errors import Refused
from shared.plan.position import PlanRefused, Position, Problem
from tests.harness import clinic
from transfuse.commands.plan_files import checked
from transfuse.screen.failure import failure_text


def told(folder: Path, text: str) -> list[str]:
    clinic.written(folder, text)
    with pytest.raises(PlanRefused) as refused:
        checked(folder)
    return failure_text(refused.value).splitlines()


def test_every_problem_of_a_plan_is_shown_with_its_line_and_a_caret_under_its_column(tmp_path: Path) -> None:
    text = clinic.changed("name: p.name", "name: shout(p.name)").replace("'kind', p", "'sort', p")
    lines = told(tmp_path, text)
    assert len(lines) == 7
    for first, word in ((0, "shout"), (3, "'sort'")):
        position, source, caret = lines[first : first + 3]
        file, line, column = position.split(":")[:3]
        assert file == "plan.yml"
        assert int(line) == text.splitlines().index(source[4:]) + 1
        assert caret.index("^") - 4 == int(column) - 1
        assert source[caret.index("^") :].startswith(word)
    assert lines[-1].startswith("  -> ")


def test_tabs_before_a_column_keep_the_caret_under_it() -> None:
    here = Position(file="plan.yml", line=3, column=8)
    problem = Problem(position=here, message="no such function", source_line="\t\tname: shout()")
    lines = failure_text(PlanRefused([problem])).splitlines()
    assert lines[1:3] == ["    \t\tname: shout()", "    \t\t     ^"]


def test_a_folder_without_a_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"has no plan\.yml"):
        checked(tmp_path)
