"""The page that says which test proves which part of the plan language names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "language-coverage.md"


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named
    assert sorted(named - there) == []


def test_every_kind_of_transformation_has_a_test_on_the_page() -> None:
    kinds = {int(found) for found in re.findall(r"`test_kind_(\d\d)_", PAGE.read_text(encoding="utf-8"))}
    assert sorted(set(range(1, 42)) - kinds) == []
