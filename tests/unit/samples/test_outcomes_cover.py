"""outcomes.yml has a word on every defect that the generator plants, and on nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from shared.plan.reader import read_plan
from transfuse.samples.portal.gen.checks import TARGETS
from transfuse.samples.portal.generate import build

ROOT = Path(__file__).parents[3]
OUTCOMES = frozenset({"quarantined", "filtered", "warned", "cleaned", "loaded", "not mapped"})


def read(path: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return document


def test_every_planted_defect_has_an_outcome_and_every_outcome_a_defect() -> None:
    world, tables = build(7, 0.01)
    for table in tables:
        for _ in table.chunks():
            pass
    stated = {(d["kind"], d["table"], d["column"]) for d in read("tests/portal/outcomes.yml")["defects"]}
    assert stated == set(world.ledger.defects)


def test_outcomes_name_mappings_and_columns_of_the_plan() -> None:
    mappings = {mapping.name: mapping for mapping in read_plan(ROOT / "plans/portal").mappings}
    for defect in read("tests/portal/outcomes.yml")["defects"]:
        assert defect["outcome"] in OUTCOMES
        if defect["outcome"] == "not mapped":
            assert set(defect) == {"kind", "table", "column", "outcome"}
            continue
        mapping = mappings[defect["mapping"]]
        if "target_column" in defect:
            assert defect["target_column"] in {column.column for column in mapping.computed}
        elif "rule" in defect:
            assert defect["rule"] in {rule.name for rule in mapping.rules}
        else:
            assert "target" in defect


def test_the_plan_moves_only_what_the_manifest_counts() -> None:
    assert {mapping.into.value for mapping in read_plan(ROOT / "plans/portal").mappings} <= set(TARGETS)
