"""Sums are exact, and those of few values are known for what they are."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.sums import SentSums, Sum, added, sum_of

numbers = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**30), max_value=10**30)


@given(st.lists(numbers, max_size=30))
def test_no_digit_is_lost_whatever_the_order(found: list[Decimal]) -> None:
    units = sum(int(number * 10_000) for number in found) if found else 0
    one, other = sum_of(map(str, found)), sum_of(map(str, reversed(found)))
    assert one.agrees(other)
    assert one.values == len(found)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Sum) == one
    if all(abs(number) < 10**20 for number in found):
        assert int(one.total.scaleb(4)) == units


def test_numbers_beyond_28_digits_are_not_rounded() -> None:
    assert sum_of(["1" + "0" * 60, "0." + "0" * 59 + "1"]).total == Decimal("1" + "0" * 60 + "." + "0" * 59 + "1")


def test_what_is_no_number_is_counted_and_not_summed() -> None:
    assert sum_of(["1.5", None, "NaN", "Infinity", "-Infinity", "2"]) == Sum(total=Decimal("3.5"), values=2, strange=3)


@pytest.mark.parametrize(("values", "safe"), ((0, True), (1, False), (4, False), (5, True)))
def test_a_sum_of_one_to_four_values_may_tell_one_of_them(values: int, safe: bool) -> None:
    assert Sum(values=values).is_safe is safe


def test_rows_that_are_refused_after_all_move_and_the_whole_stays() -> None:
    sent = SentSums(column="amount", loaded=sum_of(["1.10", "2.20", "3.30", None]), filtered=sum_of(["9"]))
    moved = sent.takes_off(["2.20", None], ["3.30"])
    assert (moved.loaded.total, moved.refused.total, moved.filtered.total) == tuple(
        map(Decimal, ("1.1", "2.2", "12.3"))
    )
    assert moved.all.agrees(sent.all)


def test_batches_add_up_by_column() -> None:
    first = (SentSums(column="a", loaded=sum_of(["1"])), SentSums(column="b", unread=2))
    second = (SentSums(column="a", loaded=sum_of(["2"]), aside=sum_of(["5"])),)
    found = added([first, second])
    assert (found["a"].all.total, found["b"].unread) == (Decimal(8), 2)
