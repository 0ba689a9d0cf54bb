"""The sample plans explain every code: nobody shall have to ask again what a number meant."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BOOKS = sorted((ROOT / "plans").rglob("*.csv"))


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: str(book.relative_to(ROOT)))
def test_every_meaning_has_a_comment(book: Path) -> None:
    header, *rows = csv.reader(book.read_text(encoding="utf-8").splitlines())
    assert header == ["code", "value", "comment"]
    assert [code for code, _, comment in rows if not comment] == []
