"""A plan in several files is one plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.plan.position import PlanRefused
from shared.plan.reader import named_files, plan_files, plan_of_files

HEAD = """\
transfuse: 1
name: clinic
namespace: 8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10
include: [people.yml, visits.yml]
codebooks:
  sex: {M: male, F: female}
"""
PEOPLE = """\
mappings:
  - {name: people, into: people, from: person AS p, key: p.id, columns: {id: key()}}
unmapped:
  session: sessions do not move
"""
VISITS = """\
codebooks:
  kind: {from: codebooks/kind.csv}
mappings:
  - {name: visits, into: visits, from: visit AS v, key: v.id, columns: {id: key()}}
"""
FILES = {"plan.yml": HEAD, "people.yml": PEOPLE, "visits.yml": VISITS, "codebooks/kind.csv": "code,value\n1,first\n"}


def test_the_parts_of_a_plan_are_read_in_the_order_in_which_they_are_named() -> None:
    plan = plan_of_files(FILES)
    assert [mapping.name for mapping in plan.mappings] == ["people", "visits"]
    assert set(plan.codebooks) == {"sex", "kind"}
    assert plan.unmapped == {"session": "sessions do not move"}
    assert plan.mappings[1].position.file == "visits.yml"


def test_the_files_of_a_plan_may_come_in_any_order() -> None:
    assert plan_of_files(dict(reversed(FILES.items()))).hash == plan_of_files(FILES).hash
    assert named_files(FILES) == set(FILES)


def test_a_folder_is_read_with_its_parts_and_their_code_books(tmp_path: Path) -> None:
    (tmp_path / "codebooks").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert plan_files(tmp_path) == FILES


@pytest.mark.parametrize(
    ("files", "message"),
    (
        ({**FILES, "people.yml": PEOPLE.replace("people,", "visits,", 1)}, "belongs to another mapping"),
        ({**FILES, "people.yml": PEOPLE + "codebooks: {sex: {m: male}}\n"}, "'sex' is there twice"),
        ({**FILES, "visits.yml": VISITS + "unmapped: {session: why}\n"}, "'session' is listed twice"),
        ({**FILES, "visits.yml": VISITS + "name: visits\n"}, "'name' is not a key of an included file"),
        ({name: text for name, text in FILES.items() if name != "people.yml"}, "no file 'people.yml'"),
        ({**FILES, "plan.yml": HEAD.replace("people.yml", "../people.yml")}, "lies in the plan's folder"),
        ({**FILES, "plan.yml": HEAD.replace("people.yml", "visits.yml")}, "included already"),
    ),
)
def test_a_part_that_does_not_fit_is_refused_at_its_place(files: dict[str, str], message: str) -> None:
    with pytest.raises(PlanRefused, match=message):
        plan_of_files(files)
