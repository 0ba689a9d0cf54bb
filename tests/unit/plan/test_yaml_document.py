from __future__ import annotations

from pathlib import Path

import pytest

from shared.plan import yaml_document
from shared.plan.position import Position
from shared.plan.report import Report
from shared.plan.yaml_document import YamlMapping, YamlNode, YamlScalar, YamlSequence, read_yaml


def load(text: str) -> tuple[YamlNode | None, Report]:
    report = Report({"plan.yml": text})
    return read_yaml(text, "plan.yml", report), report


def refused(text: str) -> list[str]:
    return [str(problem) for problem in load(text)[1].problems]


def plain(node: YamlNode | None) -> object:
    match node:
        case YamlScalar():
            return node.value
        case YamlSequence():
            return [plain(item) for item in node.items]
        case YamlMapping():
            return {key.value: plain(value) for key, value in node.entries}
    return None


def test_what_other_readers_turn_into_other_values_stays_text() -> None:
    node, report = load("{NO: y, on: off, 010: 0x1F, 1_000: 1e3, 2020-01-01: 12:30:00, ~: null, 'true': =}")
    assert not report.problems
    assert plain(node) == {
        "NO": "y", "on": "off", "010": "0x1F", "1_000": "1e3", "2020-01-01": "12:30:00", "~": "null", "true": "=",
    }  # fmt: skip


def test_truth_and_numbers_are_read_by_the_core_schema_and_only_where_they_are_plain() -> None:
    def scalar(text: str) -> YamlScalar:
        node, _ = load(text)
        assert isinstance(node, YamlScalar)
        return node

    assert scalar("true").boolean is True
    assert scalar("yes").boolean is None
    assert scalar("'true'").boolean is None
    assert scalar("010").integer == 10
    assert scalar("1_000").integer is None
    assert scalar("~").is_null
    assert not scalar("'~'").is_null


def test_every_node_keeps_its_place() -> None:
    node, _ = load("a:\n  - 'x'\n  - |\n    y\nb: {c: d}\n")
    assert isinstance(node, YamlMapping)
    items = node.get("a")
    assert isinstance(items, YamlSequence)
    assert [item.position for item in items.items] == [
        Position(file="plan.yml", line=2, column=6),
        Position(file="plan.yml", line=4, column=5),
    ]
    inner = node.get("b")
    assert isinstance(inner, YamlMapping)
    assert inner.entries[0][0].position == Position(file="plan.yml", line=5, column=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    (
        ("a: 1\nb: 2\na: 3", "plan.yml:3:1: key 'a' is repeated: it stands already in line 1"),
        ("a: [1\nb: 2", "plan.yml:2:2: broken YAML: expected ',' or ']', but got ':'"),
        ("a: &x 1", "plan.yml:1:4: anchors are not part of the plan language: write the value again"),
        ("a: *x", "plan.yml:1:4: aliases are not part of the plan language: write the value again"),
        ("a: !!int 1", "plan.yml:1:4: tags are not part of the plan language"),
        ("<<: {a: 1}", "plan.yml:1:1: merge keys are not part of the plan language"),
        ("a: 1\n---\nb: 1", "plan.yml:2:1: a plan is one YAML document"),
        ("", "plan.yml:1:1: the file is empty"),
        ("[a]: b", "plan.yml:1:1: a key is a text, not a list or a mapping"),
        ("a: 1\nb: \x07", "plan.yml:2:4: a character that YAML does not allow"),
        ("[" * 50, "plan.yml:1:42: nested more than 40 deep"),
    ),
)
def test_what_a_plan_may_not_hold_is_refused_at_its_place(text: str, expected: str) -> None:
    assert refused(text) == [expected]


def test_a_problem_shows_the_line_it_is_about() -> None:
    _, report = load("a: 1\nb: [2\nc: 3\n")
    assert report.problems[0].source_line == "c: 3"


PLANS = Path(__file__).parents[3] / "plans"


@pytest.mark.parametrize("path", sorted(PLANS.rglob("*.yml")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_libyaml_reads_the_same_nodes_at_the_same_places(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    fast = read_yaml(text, path.name, Report({}))
    monkeypatch.setattr(yaml_document, "LIBYAML", None)
    assert fast == read_yaml(text, path.name, Report({}))
