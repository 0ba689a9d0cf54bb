"""What was found out about the rows of one batch, by ordinal. A row without a verdict is to be written."""

from __future__ import annotations

from collections import Counter

from shared.ledger.former import FormerRows
from shared.messages.data import Reason


class Verdicts:
    """Collects the verdicts of one attempt at a batch; `texts` holds the refused rows as JSON of column to text.

    `updated` rows are written over those that are there. `passed_over` are places, from 0, among the rows that the
    transformer refused: what is not there is not patched. `former` are the rows as they were before this attempt wrote
    to them, `placeholders` what it made for missing parents, by mapping.
    """

    def __init__(self) -> None:
        self.refused: dict[int, list[Reason]] = {}
        self.waits_for: dict[int, str] = {}
        self.unchanged: set[int] = set()
        self.filtered: set[int] = set()
        self.updated: set[int] = set()
        self.passed_over: set[int] = set()
        self.warned: Counter[Reason] = Counter()
        self.texts: dict[int, bytes] = {}
        self.former: list[FormerRows] = []
        self.placeholders: tuple[tuple[str, bytes], ...] = ()

    def refuse(self, ordinal: int, reason: Reason, *, waits_for: str = "") -> None:
        self.filtered.discard(ordinal)
        self.refused.setdefault(ordinal, []).append(reason)
        if waits_for:
            self.waits_for.setdefault(ordinal, waits_for)

    def leave_out(self, ordinal: int) -> None:
        """The row goes the way of its filtered parent, unless it is refused anyway."""
        if ordinal not in self.refused:
            self.filtered.add(ordinal)

    def pass_over(self, ordinal: int) -> None:
        """The row is not in the target: nothing that is wrong with it matters to a patch."""
        self.refused.pop(ordinal, None)
        self.texts.pop(ordinal, None)
        self.filtered.add(ordinal)

    def keep(self, ordinal: int) -> None:
        """The row is in the target already, equal in all mapped columns: nothing else is wrong with it."""
        self.refused.pop(ordinal, None)
        self.waits_for.pop(ordinal, None)
        self.filtered.discard(ordinal)
        self.unchanged.add(ordinal)

    @property
    def judged(self) -> set[int]:
        """Ordinals that are not to be written."""
        return self.refused.keys() | self.unchanged | self.filtered
