"""Documents of lists of plans."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from shared.core.document import Document, Form

MOST_LISTED: Final = 200


class PlansQuery(Form, frozen=True, kw_only=True):
    """Which part of the list. Without a limit as many as there may be: mostly that is all of them."""

    cursor: Annotated[str, Meta(max_length=400)] = ""
    limit: Annotated[int, Meta(ge=1, le=MOST_LISTED)] = MOST_LISTED


class VersionsQuery(PlansQuery, frozen=True, kw_only=True):
    """Which part of a plan's versions."""


class PlanCursor(Form, frozen=True, kw_only=True):
    """The place behind a cursor: the name of the last plan that was shown."""

    after: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]


class VersionCursor(Form, frozen=True, kw_only=True):
    """The place behind a cursor: the last version that was shown."""

    before: Annotated[int, Meta(ge=1, le=2**31 - 1)]


class PlanSummary(Document, frozen=True, kw_only=True):
    """The newest version of a plan. `mappings` is null where this version of Transfuse cannot read the text."""

    name: str
    version: int
    hash: str
    created_at: datetime
    mappings: int | None


class PlanList(Document, frozen=True, kw_only=True):
    """Plans by name; `next_cursor` is None at the end of the list."""

    plans: tuple[PlanSummary, ...]
    next_cursor: str | None


class PlanVersionDocument(Document, frozen=True, kw_only=True):
    """One version of a plan."""

    version: int
    hash: str
    created_at: datetime


class PlanVersionList(Document, frozen=True, kw_only=True):
    """Versions of a plan, the newest first; `next_cursor` is None at the end of the list."""

    versions: tuple[PlanVersionDocument, ...]
    next_cursor: str | None
