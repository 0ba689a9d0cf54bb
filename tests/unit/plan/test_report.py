from __future__ import annotations

import pytest

from shared.plan.model import Text
from shared.plan.position import Position
from shared.plan.report import Report, nearest
from shared.plan.yaml_document import YamlMapping, YamlScalar, read_yaml


@pytest.mark.parametrize(
    "document",
    (
        "a: |\n  first line\n    second X\n\n  third\n",
        "a: >\n  first\n  second X\n\n  third\n",
        "a: first line\n   second X\n   third\n",
        "a: 'first ''quoted'' X third'\n",
        'a: "first \\"quoted\\" X third"\n',
        "a: first X third   # comment\n",
        "k: {b: 1, a: first X third}\n",
        "a: |-\n      deep X\n",
    ),
)
def test_a_character_of_a_text_is_found_in_its_file(document: str) -> None:
    report = Report({"plan.yml": document})
    node = read_yaml(document, "plan.yml", report)
    assert isinstance(node, YamlMapping)
    inner = node.get("k")
    scalar = (inner if isinstance(inner, YamlMapping) else node).get("a")
    assert isinstance(scalar, YamlScalar)
    text = Text(value=scalar.value, position=scalar.position)
    place = report.place(text, scalar.value.index("X"))
    assert document.split("\n")[place.line - 1][place.column - 1] == "X"


def test_the_nearest_known_name_is_suggested_and_none_that_is_far() -> None:
    assert nearest("pateints", ["patients", "doctors"]) == "patients"
    assert nearest("PATIENTS", ["patients"]) == "patients"
    assert nearest("zzz", ["patients", "doctors"]) == ""


def test_one_problem_is_said_once() -> None:
    report = Report({"plan.yml": "a: b"})
    here = Position(file="plan.yml", line=1, column=4)
    report.problem(here, "wrong")
    report.problem(here, "wrong")
    assert len(report.problems) == 1
