from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from services.extractor.cutting import batch_rows, between, integer_marks, placed
from services.extractor.ranges import joined, without_places
from shared.core.run_options import RunOptions
from shared.ledger.bounds import BatchBounds


def within(bounds: BatchBounds, key: int) -> bool:
    """Whether a key lies in a range, as `lower < key <= upper`."""
    above = bounds.lower is None or key > int(bounds.lower[0])
    return above and (bounds.upper is None or key <= int(bounds.upper[0]))


@given(low=st.integers(-50, 50), size=st.integers(1, 300), step=st.integers(1, 70), beyond=st.integers(0, 1000))
def test_every_integer_is_in_exactly_one_batch_and_no_batch_is_too_large(
    low: int, size: int, step: int, beyond: int
) -> None:
    bounds = list(between(list(integer_marks(low, low + size - 1, step))))
    holding = [[item for item in bounds if within(item, key)] for key in range(low, low + size)]
    assert all(len(found) == 1 for found in holding)
    assert all(sum(found[0] is item for found in holding) <= step for item in bounds)
    assert all(sum(found[0] is item for found in holding) > 0 for item in bounds)
    assert bounds[0].lower is None
    assert bounds[-1].upper is None
    assert sum(within(item, low + size + beyond) for item in bounds) == 1


@given(sizes=st.lists(st.integers(1, 100), min_size=1, max_size=20))
def test_placed_ranges_follow_each_other_without_a_gap(sizes: list[int]) -> None:
    upto = list(accumulate(sizes))
    ranges = placed(tuple(between([(str(mark),) for mark in upto[:-1]])), upto)
    assert [item.row_count for item in ranges] == sizes
    assert [item.first_row for item in ranges] == [0, *upto[:-1]]


@given(row_bytes=st.floats(0, 1e9), limit=st.integers(1, 50_000))
def test_a_batch_has_at_least_a_row_and_fits_its_limits(row_bytes: float, limit: int) -> None:
    options = RunOptions(batch_rows=limit)
    rows = batch_rows(row_bytes, options)
    assert 1 <= rows <= limit
    assert rows == 1 or rows * row_bytes <= options.batch_bytes


@given(keep=st.lists(st.booleans(), min_size=2, max_size=12).filter(any))
def test_joined_ranges_hold_the_same_rows(keep: list[bool]) -> None:
    ranges = list(between([(str(mark),) for mark in range(10, 10 * len(keep), 10)]))
    some = [item for item, kept in zip(ranges, keep, strict=True) if kept]
    found = joined(some)
    for key in range(-5, 10 * len(keep) + 15):
        assert sum(within(item, key) for item in found) == sum(within(item, key) for item in some)
    assert len(found) <= len(some)


def test_places_are_forgotten_and_bounds_kept() -> None:
    (bounds,) = placed((BatchBounds(lower=("a",), upper=None),), [5])
    assert without_places(bounds) == BatchBounds(lower=("a",), upper=None)


def test_lists_of_keys_stay_apart_and_stay_lists() -> None:
    one, two = BatchBounds(keys=(("1",),)), BatchBounds(keys=(("2",),))
    assert joined([one, two]) == [one, two]
    halves = [BatchBounds(upper=("5",), keys=(("1",), ("7",))), BatchBounds(lower=("5",), keys=(("1",), ("7",)))]
    assert joined(halves) == halves
    assert without_places(one) == one
