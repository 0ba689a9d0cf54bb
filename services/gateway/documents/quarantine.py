"""Documents of refused rows."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from services.gateway.documents.texts import REASON, REASON_WORDS
from shared.core.document import Document, Form
from shared.core.states import Stage
from shared.ledger.quarantine import Grouping, Resolution

MOST_LISTED = 200
Name = Annotated[str, Meta(max_length=256)]


class RowState(StrEnum):
    """What became of a row; every row is one of these. One that was refused again is `replaced` by the later row."""

    WAITING = "waiting"
    REPLAYED = "replayed"
    FILTERED = "filtered"
    DISCARDED = "discarded"
    REPLACED = "replaced"

    @property
    def resolution(self) -> Resolution:
        """The ledger's word for it."""
        return Resolution.WAITING if self is RowState.WAITING else Resolution(self.value)


class QuarantineQuery(Form, frozen=True, kw_only=True):
    """How rows are grouped, and which of them are listed: with a reason, a mapping or a column there are rows.

    Mapping, column and state narrow the groups too; a reason does not, it is chosen among them.
    """

    by: Grouping = Grouping.REASON
    reason: Name | None = None
    mapping: Name | None = None
    column: Name | None = None
    state: RowState | None = None
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=MOST_LISTED)] = 50


class RowCursor(Form, frozen=True, kw_only=True):
    """The place behind a cursor: the last row that was shown."""

    after: UUID


class RowPath(Form, frozen=True, kw_only=True):
    """A row of a run, by its ref."""

    id: UUID
    row: UUID


class UnmaskForm(Form, frozen=True, kw_only=True):
    """Why the row must be seen. It is kept in the audit, and nowhere else: it names no patient."""

    reason: Annotated[str, Meta(min_length=10, max_length=500, pattern=REASON, description=REASON_WORDS)]


class GroupDocument(Document, frozen=True, kw_only=True):
    """Rows of one kind; what they are not grouped by is empty. `title` and `remedy` are words for the reason's code."""

    mapping: str
    column: str
    reason: str
    stage: Stage | None
    waits_for: str
    count: int
    waiting: int
    title: str
    remedy: str


class ReasonDocument(Document, frozen=True, kw_only=True):
    """One reason of a row: `column` is a column, a constraint or a rule; `sqlstate` is there if the target said it."""

    reason: str
    column: str
    sqlstate: str
    title: str


class ColumnDocument(Document, frozen=True, kw_only=True):
    """One column of a row: what kind of value it holds. `value` only where the plan declares the column clear."""

    name: str
    kind: str
    clear: bool
    value: str | None


class RowDocument(Document, frozen=True, kw_only=True):
    """One refused row. `ref` is random and says nothing of the row."""

    ref: UUID
    mapping: str
    stage: Stage
    reasons: tuple[ReasonDocument, ...]
    columns: tuple[ColumnDocument, ...]
    waits_for: str
    state: RowState
    resolved_at: datetime | None
    created_at: datetime


class QuarantineDocument(Document, frozen=True, kw_only=True):
    """The quarantine of a run. `groups` come with the first page, `rows` once a kind is chosen.

    A row with two reasons counts in both groups; `count` and `waiting` count each row once.
    """

    count: int
    waiting: int
    groups: tuple[GroupDocument, ...] | None
    rows: tuple[RowDocument, ...] | None
    next_cursor: str | None


class UnmaskedDocument(Document, frozen=True, kw_only=True):
    """One row in clear, to be hidden again at `expiresAt`."""

    ref: UUID
    mapping: str
    legacy_key: str
    columns: dict[str, str | None]
    expires_at: datetime
