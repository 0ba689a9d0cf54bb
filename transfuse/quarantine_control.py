"""What an operator does with refused rows, wherever they are kept: the port that the commands speak to."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import msgspec

from shared.core.errors import Refused
from shared.core.run_options import ReplayChoice
from shared.core.unmasked import UnmaskedRow
from shared.ledger.quarantine import Grouping
from shared.plan.model import Plan


class ListedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one kind, how many there are and how many of them wait; what they are not grouped by is empty."""

    mapping: str
    column: str = ""
    reason: str = ""
    waits_for: str = ""
    count: int
    waiting: int


class ListedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One refused row, its values masked: `columns` are its names and what kind of value each holds."""

    ref: UUID
    mapping: str
    reasons: tuple[str, ...]
    columns: dict[str, str]
    waits_for: str
    state: str


class QuarantineControl(Protocol):
    """Refused rows of one installation. All methods raise Refused with what is wrong, and WorldError."""

    async def groups(self, run: UUID, by: Grouping, mapping: str | None) -> tuple[ListedGroup, ...]:
        """Rows of a run counted, most first."""
        ...

    async def rows(self, run: UUID, wanted: ReplayChoice, limit: int) -> tuple[ListedRow, ...]:
        """Some rows of a run, of a reason, a column or a mapping; one of them has to be said."""
        ...

    async def unmask(self, run: UUID, row: UUID, why: str) -> UnmaskedRow:
        """One row in clear; recorded with the reason."""
        ...

    async def edit(self, run: UUID, row: UUID, column: str, value: str | None, why: str) -> bool:
        """Keep a value for the replay of a row; whether the former one is kept beside it. Recorded with the reason."""
        ...

    async def discard(self, run: UUID, choice: ReplayChoice, why: str) -> dict[str, int]:
        """Give rows up for good; how many, by mapping. Recorded with the reason."""
        ...

    async def keep_plan(self, run: UUID, plan: Plan) -> None:
        """Make a text the newest version of the run's plan. Raises Refused `other_plan`."""
        ...

    async def replay(self, run: UUID, choice: ReplayChoice) -> UUID:
        """Start a replay of rows."""
        ...


def other_plan(known: str, given: str) -> Refused:
    """The text is of another plan than the run."""
    return Refused(
        f"The run is of the plan {known}, the text of {given}.",
        remedy=f"Give the corrected text of {known}.",
        code="other_plan",
    )


def not_the_newest(plan: str) -> Refused:
    """The text was replaced by newer versions already."""
    return Refused(
        f"This text is an older version of the plan {plan}; a replay goes by the newest.",
        remedy="Change the text, a comment is enough, so that it becomes the newest version.",
        code="not_the_newest",
    )
