"""Documents of replaying refused rows, of editing them, and of giving them up."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from services.gateway.documents.quarantine import Name
from services.gateway.documents.texts import REASON, REASON_WORDS
from shared.core.document import Document, Form

MOST_NAMED = 1000
MOST_VALUE = 1_000_000
Why = Annotated[str, Meta(min_length=10, max_length=500, pattern=REASON, description=REASON_WORDS)]


class RowChoice(Form, frozen=True, kw_only=True):
    """Which waiting rows of a run, and of the replays of it, are meant: one of three ways to say it.

    `rows` names them by their refs; `reason`, `column` and `mapping`, whichever are given, describe them; `all` are all
    that wait.
    """

    rows: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=MOST_NAMED)] | None = None
    reason: Name | None = None
    column: Name | None = None
    mapping: Name | None = None
    all: bool = False


class DiscardForm(Form, frozen=True, kw_only=True):
    """Which rows nobody is to replay, and why; the reason is kept in the audit, and names no patient."""

    choice: RowChoice
    reason: Why


class DiscardedDocument(Document, frozen=True, kw_only=True):
    """How many rows were given up, and of which mappings."""

    count: int
    mappings: dict[str, int]


class EditForm(Form, frozen=True, kw_only=True):
    """What a replay reads in the place of one value of the source.

    `column` is `alias.column` of the plan's `from`, `value` as PostgreSQL writes it, null for NULL. Of several edits of
    a column the latest counts. `reason` is kept in the audit, and names no patient.
    """

    column: Annotated[str, Meta(min_length=3, max_length=256)]
    value: Annotated[str, Meta(max_length=MOST_VALUE)] | None
    reason: Why

    def __repr__(self) -> str:
        return f"EditForm(column={self.column!r})"


class EditedDocument(Document, frozen=True, kw_only=True):
    """An edit that is kept: it counts when the row is replayed. `kept_old` where the former value is kept beside it."""

    ref: UUID
    mapping: str
    column: str
    kept_old: bool
