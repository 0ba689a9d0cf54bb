"""Documents of a run's history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from shared.core.document import Document, Form
from shared.ledger.events import EventLevel

MOST_LISTED = 1000
HIGHEST_NUMBER = 2**31 - 1


class EventsQuery(Form, frozen=True, kw_only=True):
    """Which events: those that follow number `after`, of one level or of all."""

    after: Annotated[int, Meta(ge=0, le=HIGHEST_NUMBER)] = 0
    level: EventLevel | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST_LISTED)] = 200


class EventDocument(Document, frozen=True, kw_only=True):
    """One entry of a run's history; `detail` holds names, counts and codes.

    `kind` `state`: the run entered `state`, with a `reason`. `asked`: `actor` asked for `verb`. `mapping`: a pass of
    `mapping` is complete or failed (`code`, `state`), with its rows by outcome. `limit`: `mapping` paused with more
    rows in quarantine than its plan allows.
    """

    seq: int
    at: datetime
    level: EventLevel
    kind: str
    detail: dict[str, str | int | None]


class EventList(Document, frozen=True, kw_only=True):
    """A part of the history, oldest first. `next_after` is what `after` must be for the rest; None at the end."""

    events: tuple[EventDocument, ...]
    next_after: int | None
