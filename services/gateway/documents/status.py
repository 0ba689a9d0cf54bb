"""Documents of how far and how fast runs are, and of which there were."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from services.gateway.documents.runs import RunDocument
from shared.core.document import Document, Form
from shared.core.states import RunKind


class RunsQuery(Form, frozen=True, kw_only=True):
    """Which runs of a migration: of one kind or of all, youngest first."""

    kind: RunKind | None = None
    cursor: Annotated[str, Meta(max_length=2000)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class RunCursor(Form, frozen=True, kw_only=True):
    """The place behind a cursor."""

    at: datetime
    id: UUID


class RunList(Document, frozen=True, kw_only=True):
    """A part of the list; `next_cursor` is None at its end."""

    runs: tuple[RunDocument, ...]
    next_cursor: str | None


class ThroughputBucket(Document, frozen=True, kw_only=True):
    """What settled from `at` on, in rows a second, and what was refused, in rows a minute."""

    at: datetime
    rows_per_second: float
    quarantined_per_minute: float


class ThroughputDocument(Document, frozen=True, kw_only=True):
    """From the start of a run until now or its end, in at most 240 buckets of one length; the last may be shorter."""

    started_at: datetime | None
    until: datetime
    bucket_seconds: int
    buckets: tuple[ThroughputBucket, ...]
