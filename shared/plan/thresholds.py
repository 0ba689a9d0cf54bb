"""How many rows may fail a check before the validation of a dry run fails: shares by rule, column or reason."""

from __future__ import annotations

import re

from shared.core.families import FAMILY_OF
from shared.plan.fields import Fields
from shared.plan.model import Mapping, Threshold
from shared.plan.report import Report
from shared.plan.yaml_document import YamlScalar

SHARE = re.compile(r"(\d+(?:\.\d+)?)(%?)")


def read_thresholds(fields: Fields) -> dict[str, Threshold]:
    """The shares of `thresholds`, each from 0 to 1, by the name that its author gave."""
    found = {}
    for name, node in fields.entries("thresholds"):
        share = share_of(node.value) if isinstance(node, YamlScalar) else None
        if share is None:
            message = f"the threshold of {name.value!r} is a percentage such as 0.5%, or a number from 0 to 1"
            fields.report.problem(node.position, message)
            continue
        found[name.value] = Threshold(position=name.position, share=share)
    return found


def share_of(text: str) -> float | None:
    """A share as it is written, None where it is none."""
    found = SHARE.fullmatch(text)
    share = float(found[1]) / (100 if found[2] else 1) if found else None
    return share if share is not None and share <= 1 else None


def check_thresholds(mapping: Mapping, report: Report) -> None:
    """A threshold is that of a rule, of a column that is computed, or of a reason."""
    names = [rule.name for rule in mapping.rules] + [column.column for column in mapping.computed]
    for name, threshold in mapping.thresholds.items():
        if name not in names and name not in FAMILY_OF:
            message = f"thresholds names {name!r}: no rule or column of mapping {mapping.name!r}, and no reason"
            report.problem(threshold.position, message, wrong=name, known=[*names, *FAMILY_OF])
