"""Documents of the audit."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, field

from shared.core.document import Document, Form
from shared.ledger.audit_chain import Fault

MOST_LISTED = 200
Words = Annotated[str, Meta(max_length=256)]
Moment = Annotated[datetime, Meta(tz=True)]


class AuditQuery(Form, frozen=True, kw_only=True):
    """Which entries are asked for: `from` inclusive, `to` not. With `verify` the whole chain is recomputed first.

    `actor` is a name at the time, `subject` the id of an account, whatever its name was.
    """

    actor: Words = ""
    subject: UUID | None = None
    action: Words = ""
    object_id: Words = ""
    from_: Moment | None = field(default=None, name="from")
    to: Moment | None = None
    verify: bool = False
    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=MOST_LISTED)] = 50


class AuditCursor(Form, frozen=True, kw_only=True):
    """The place behind a cursor: the number of the last entry that was shown."""

    before: Annotated[int, Meta(ge=1, le=2**63 - 1)]


class ChainState(StrEnum):
    """What is known of the chain."""

    WHOLE = "whole"
    BROKEN = "broken"
    NOT_CHECKED = "not_checked"


class ChainDocument(Document, frozen=True, kw_only=True):
    """The chain's verification. `head` is number and hash of the last proven entry: what to keep elsewhere.

    Where it is broken `fault` says in which way, at entry `brokenAt`; entries before that are proven.
    """

    verified: ChainState
    checked_at: datetime | None
    count: int
    head: str
    fault: Fault | None
    broken_at: int | None


class AuditEntryDocument(Document, frozen=True, kw_only=True):
    """One entry. `detail` holds names and counts, of an unmasking also the reason that was given.

    `subject` is the id of the person behind `actor`: e-mails change, it does not. Null where nobody was signed in, or a
    service acted.
    """

    seq: int
    at: datetime
    actor: str
    subject: str | None
    role: str
    action: str
    object_kind: str
    object_id: str
    outcome: str
    address: str
    request_id: str
    detail: dict[str, Any]


class AuditPage(Document, frozen=True, kw_only=True):
    """Entries, youngest first, and whether the chain is whole."""

    entries: tuple[AuditEntryDocument, ...]
    next_cursor: str | None
    chain: ChainDocument
