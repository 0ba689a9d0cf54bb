"""The JSON Schema of plans: it takes every plan of the project, and knows exactly the keys that the reader knows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from shared.plan.fields import Fields
from shared.plan.include import ENDINGS
from shared.plan.position import PlanRefused
from shared.plan.reader import plan_of_files
from shared.plan.report import Report
from shared.plan.yaml_document import YamlMapping, YamlNode, YamlScalar, YamlSequence, read_yaml
from tests.planning import CLINIC, HEAD

PLANS = Path(__file__).parents[3] / "plans"
SCHEMA: dict[str, Any] = json.loads((PLANS / "plan.schema.json").read_text(encoding="utf-8"))
FILES = sorted(path for path in PLANS.rglob("*") if path.suffix in ENDINGS)
PROBE = (
    HEAD.replace("namespace: 8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10", "namespace: {secret: NAME}")
    + """\
include: [part.yml]
codebooks: {sex: {M: male, otherwise: {value: other, warn: true}}}
mappings:
  - name: doctors
    into: doctors
    from: doctor d
    key: d.id
    columns: {id: key(), name: {value: d.name, invented: true}}
    missing_parent: {id: {default: quarantine}}
    proof: {sum: [name]}
    rules: [{name: named, check: name IS NOT NULL}]
    quarantine_limit: {rows: 1}
    placeholder: {columns: {name: Unknown}}
    accounts: {from_hash: none}
    gone: {mark: {name: nobody}}
    changed: target_wins
unmapped: {session: sessions do not move}
"""
)


def editors(node: YamlNode | None) -> object:
    """A node as an editor reads it, by YAML's core schema."""
    if isinstance(node, YamlMapping):
        return {key.value: editors(value) for key, value in node.entries}
    if isinstance(node, YamlSequence):
        return [editors(item) for item in node.items]
    if not isinstance(node, YamlScalar) or node.is_null:
        return None
    for value in (node.boolean, node.integer):
        if value is not None:
            return value
    return float(node.value) if node.plain and re.fullmatch(r"-?\d+\.\d+", node.value) else node.value


def problems(text: str) -> list[str]:
    """What the schema has against a file."""
    document = editors(read_yaml(text, "plan.yml", Report({})))
    return [error.message for error in jsonschema_rs.Draft7Validator(SCHEMA).iter_errors(document)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PLANS)))
def test_every_plan_of_the_project_is_valid(path: Path) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PLANS)))
def test_every_plan_of_the_project_tells_its_editor_where_the_schema_is(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).resolve() == PLANS / "plan.schema.json"


@pytest.mark.parametrize(
    ("old", "new"),
    (
        ("key: d.id", "kye: d.id"),
        ("key: d.id", "key: []"),
        ("name: clinic", "name: 1 clinic"),
        ("transfuse: 1", "transfuse: 2"),
        ("8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10", "eight"),
        ("unmapped: {session: sessions do not move}", "unmapped: [session]"),
        ("into: doctors", "into: doctors\n    excludes: some"),
        ("into: doctors", "into: doctors\n    missing_parent: {id: forget}"),
        ("into: doctors", "into: doctors\n    quarantine_limit: {share: lots}"),
        ("name: clean(d.name)", "name: [clean(d.name)]"),
    ),
)
def test_what_the_reader_refuses_for_its_form_the_schema_marks(old: str, new: str) -> None:
    assert old in CLINIC
    wrong = CLINIC.replace(old, new, 1)
    with pytest.raises(PlanRefused):
        plan_of_files({"plan.yml": wrong})
    assert problems(wrong) != []
    assert problems(CLINIC) == []


def test_the_schema_knows_the_keys_that_the_reader_knows_and_describes_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, set[str]] = {}
    refused: set[str] = set()
    done, later = Fields.done, Fields.later

    def noting_done(fields: Fields) -> None:
        asked.setdefault(re.sub(r" (of )?(mapping )?'[^']*'$", "", fields.what), set()).update(fields.asked)
        done(fields)

    def noting_later(fields: Fields, name: str, what: str) -> None:
        refused.add(name)
        later(fields, name, what)

    monkeypatch.setattr(Fields, "done", noting_done)
    monkeypatch.setattr(Fields, "later", noting_later)
    plan_of_files({"plan.yml": PROBE, "part.yml": "unmapped: {log: nobody reads it}\n"})
    known = SCHEMA["definitions"]
    keys = known["mapping"]["properties"]
    expected = {
        "a plan": known["plan"],
        "an included file": known["part"],
        "mapping": known["mapping"],
        "'namespace'": known["plan"]["properties"]["namespace"]["oneOf"][1],
        "'source' of a plan": known["plan"]["properties"]["source"],
        "'target' of a plan": known["plan"]["properties"]["target"],
        "column": known["column"]["oneOf"][1],
        "missing_parent": known["parent_policy"]["oneOf"][1],
        "a rule": known["rule"],
        "'proof'": keys["proof"],
        "'quarantine_limit'": keys["quarantine_limit"],
        "'placeholder'": keys["placeholder"],
        "'accounts'": keys["accounts"],
        "'gone'": keys["gone"]["oneOf"][1],
        "'otherwise' of code book": known["codebook"]["oneOf"][0]["properties"]["otherwise"],
    }
    assert {what: names - refused for what, names in asked.items()} == {
        what: set(part["properties"]) for what, part in expected.items()
    }
    for part in expected.values():
        assert part["additionalProperties"] is False
        assert all(value.get("description") for value in part["properties"].values())
