"""What is kept of met codes: those of the book that many rows have, and of all others only how many there are."""

from __future__ import annotations

from services.extractor.met import met_book
from shared.ledger.met import MetBook, MetCount
from shared.plan.met_codes import CodeUse
from shared.plan.model import Codebook
from tests.transforming.mappings import PLACE

USE = CodeUse(mapping="people", column="sex", book="sex", code="p.sex", columns=(), statement="")
BOOK = Codebook(name="sex", position=PLACE, meanings={"M": "male", "F": "female", "X": "other"}, otherwise=None)


def test_only_codes_of_the_book_in_five_rows_or_more_are_named() -> None:
    found = met_book(USE, BOOK, {"F": 12, "M": 5, "X": 4, "Ann Smith": 900, "U": 1}, many=False)
    assert found == MetBook(
        mapping="people",
        column="sex",
        book="sex",
        codes=(MetCount(code="F", meaning="female", row_count=12), MetCount(code="M", meaning="male", row_count=5)),
        rare_codes=1,
        unknown_codes=2,
        unknown_rows=901,
    )


def test_few_unknown_rows_are_not_even_counted() -> None:
    found = met_book(USE, BOOK, {"U": 4}, many=True)
    assert (found.unknown_codes, found.unknown_rows, found.many) == (1, None, True)
    assert met_book(USE, BOOK, {"M": 7}, many=False).unknown_rows == 0
