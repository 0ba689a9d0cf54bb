"""Documents of migrations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from services.gateway.documents.runs import RunDocument
from services.gateway.documents.texts import LINE, LINE_WORDS
from shared.core.document import Document, Form
from shared.ledger.register import Order, Overall, ShownState

MOST_LISTED = 200
Name = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=LINE, description=LINE_WORDS, examples=["patient-portal"])
]
Words = Annotated[str, Meta(max_length=100, pattern=LINE, description=LINE_WORDS)]
Alias = Annotated[str, Meta(max_length=63, description="Name of a connection; `default` is the only one.")]


class Sort(StrEnum):
    """By what migrations are sorted; with a minus from the end."""

    NAME = "name"
    NAME_DOWN = "-name"
    CREATED = "createdAt"
    CREATED_DOWN = "-createdAt"
    LAST_RUN = "lastRun"
    LAST_RUN_DOWN = "-lastRun"

    @property
    def order(self) -> Order:
        """The same without its direction."""
        return Order(self.value.removeprefix("-"))

    @property
    def descending(self) -> bool:
        """Whether the list begins at the end."""
        return self.value.startswith("-")


class MigrationPath(Form, frozen=True, kw_only=True):
    """The migration of a path."""

    id: UUID


class MigrationQuery(Form, frozen=True, kw_only=True):
    """Which migrations are asked for. `search` looks into names of migrations and plans, whatever the case."""

    status: ShownState | None = None
    search: Words = ""
    sort: Sort = Sort.NAME
    cursor: Annotated[str, Meta(max_length=2000)] = ""
    limit: Annotated[int, Meta(ge=1, le=MOST_LISTED)] = 50


class MigrationCursor(Form, frozen=True, kw_only=True):
    """The place behind a cursor: it is good for the sorting it was made under."""

    sort: Sort
    key: Annotated[str, Meta(pattern=LINE)]
    id: UUID


class DeleteQuery(Form, frozen=True, kw_only=True):
    """With `force` a migration goes although rows of it wait in quarantine; the rows stay. For administrators."""

    force: bool = False


class MigrationForm(Form, frozen=True, kw_only=True):
    """A migration to be: a plan, by name, bound to connections, by alias."""

    name: Name
    plan: Name
    source: Alias = "default"
    target: Alias = "default"


class MigrationDocument(Document, frozen=True, kw_only=True):
    """One migration. `status` is that of `lastRun`, `pending` without one; `planVersion` the newest of its plan."""

    id: UUID
    name: str
    status: ShownState
    plan: str
    plan_version: int
    source: str
    target: str
    created_at: datetime
    created_by: str
    last_run: RunDocument | None


class MigrationList(Document, frozen=True, kw_only=True):
    """A part of the list. `total` counts all that fit the question; `status` sums up every migration there is."""

    migrations: tuple[MigrationDocument, ...]
    total: int
    status: Overall
    next_cursor: str | None
