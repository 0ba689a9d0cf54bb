"""Exact sums of a column: of what was sent, by what became of the rows."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation, Overflow
from enum import StrEnum
from typing import Final

import msgspec

FEWEST_SHOWN: Final = 5
"""A sum of fewer values may tell one of them: it is compared, and not shown."""
EXACT: Final = Context(prec=400_000, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation, Overflow])
"""Wide enough for every number that PostgreSQL writes; what would round raises."""


class Sum(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sum of `values` numbers, NULL left out. `strange` more are NaN or infinite and have no part in it."""

    total: Decimal = Decimal(0)
    values: int = 0
    strange: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(
            total=EXACT.add(self.total, other.total),
            values=self.values + other.values,
            strange=self.strange + other.strange,
        )

    def __sub__(self, other: Sum) -> Sum:
        return Sum(
            total=EXACT.subtract(self.total, other.total),
            values=self.values - other.values,
            strange=self.strange - other.strange,
        )

    @property
    def is_safe(self) -> bool:
        """Whether showing it tells nobody's value."""
        return self.values == 0 or self.values >= FEWEST_SHOWN

    def agrees(self, other: Sum) -> bool:
        """Whether both are the same number of the same number of values."""
        return (self.total, self.values, self.strange) == (other.total, other.values, other.strange)


class SentSums(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sums of one target column over the rows of a batch or a mapping, by what became of them.

    `loaded` is of what the plan made of rows that are, or stay, in the target. The others are of rows that were
    `refused` or `filtered`, and of loaded rows whose value was kept `aside`: of the source's own values where the
    column is a plain one of the source. `unread` rows were too large to be read; values travel by `encoder`.
    """

    column: str
    loaded: Sum = Sum()
    refused: Sum = Sum()
    filtered: Sum = Sum()
    aside: Sum = Sum()
    unread: int = 0
    encoder: str = ""

    def __add__(self, other: SentSums) -> SentSums:
        return SentSums(
            column=self.column,
            loaded=self.loaded + other.loaded,
            refused=self.refused + other.refused,
            filtered=self.filtered + other.filtered,
            aside=self.aside + other.aside,
            unread=self.unread + other.unread,
            encoder=self.encoder,
        )

    @property
    def all(self) -> Sum:
        """Over all rows."""
        return self.loaded + self.refused + self.filtered + self.aside

    def takes_off(self, refused: Iterable[str | None], filtered: Iterable[str | None]) -> SentSums:
        """The same when rows that were thought to be loaded are refused or filtered after all; their values as text."""
        gone, left = sum_of(refused), sum_of(filtered)
        return msgspec.structs.replace(
            self,
            loaded=self.loaded - gone - left,
            refused=self.refused + gone,
            filtered=self.filtered + left,
        )


class SumState(StrEnum):
    """What a comparison of sums came to."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_COMPARABLE = "not_comparable"


class ProvenSum(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sums of one column of a mapping, as text; None where unknown, or of too few values to be told.

    `source` is what the legacy server gave, `loaded` what the plan made of rows that are in the target, `refused`,
    `filtered` and `aside` (loaded without their value) the others, `target` what is in the target. `reason` says what
    was not compared and why, in a code; `withheld` that some sum is not told.
    """

    column: str
    state: SumState
    reason: str = ""
    source: str | None = None
    loaded: str | None = None
    refused: str | None = None
    filtered: str | None = None
    aside: str | None = None
    target: str | None = None
    withheld: bool = False


def sum_of(texts: Iterable[str | None]) -> Sum:
    """The sum of numbers as PostgreSQL writes them; None is NULL. Raises decimal.InvalidOperation for other texts."""
    numbers = [Decimal(text) for text in texts if text is not None]
    finite = [number for number in numbers if number.is_finite()]
    total = Decimal(0)
    for number in finite:
        total = EXACT.add(total, number)
    return Sum(total=total, values=len(finite), strange=len(numbers) - len(finite))


def added(parts: Iterable[tuple[SentSums, ...]]) -> dict[str, SentSums]:
    """The sums of several batches, by column."""
    found: dict[str, SentSums] = {}
    for part in parts:
        for one in part:
            found[one.column] = found[one.column] + one if one.column in found else one
    return found
