"""Counts of rows by outcome, and the balance they must keep."""

from __future__ import annotations

import msgspec

from shared.core.states import Outcome


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one batch, mapping or run by outcome. `read` must equal the sum of the outcomes."""

    read: int = 0
    loaded: int = 0
    updated: int = 0
    unchanged: int = 0
    merged: int = 0
    filtered: int = 0
    quarantined: int = 0
    deleted: int = 0
    different: int = 0

    @property
    def settled(self) -> int:
        """Rows with an outcome."""
        return sum(getattr(self, outcome.value) for outcome in Outcome)

    @property
    def balances(self) -> bool:
        """Whether every row read has exactly one outcome."""
        return self.read == self.settled

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class MappingBalance(msgspec.Struct, frozen=True, kw_only=True):
    """The balance of one pass of a mapping: `driving = excluded + from_rows`, `from_rows = read = sum of outcomes`.

    `driving_rows` and `from_rows` are counted in the snapshot, independently of how batches are cut; `from_rows` may
    exceed `driving_rows` only if a join multiplies rows, which is refused before.
    """

    mapping: str
    pass_number: int = 1
    driving_rows: int
    from_rows: int
    counts: Counts

    @property
    def excluded(self) -> int:
        """Rows of the driving table that the joins drop."""
        return self.driving_rows - self.from_rows

    @property
    def balances(self) -> bool:
        """Whether every row of the driving table is accounted for."""
        return self.excluded >= 0 and self.counts.read == self.from_rows and self.counts.balances
