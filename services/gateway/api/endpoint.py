"""One endpoint: what makes the route, the permission check and the OpenAPI document alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from services.gateway.api.surroundings import Surroundings
from shared.core.document import Form
from shared.identity.identity import Identity
from shared.identity.permissions import Permission

P = TypeVar("P")
Q = TypeVar("Q")
B = TypeVar("B")
A = TypeVar("A")


class Nothing(Form, frozen=True, kw_only=True):
    """No parameters, no body."""


class Tag(StrEnum):
    """Groups of the documentation."""

    MIGRATIONS = "migrations"
    RUNS = "runs"
    QUARANTINE = "quarantine"
    PLANS = "plans"
    USERS = "users"
    SIGN_IN = "sign in"
    SYSTEM = "system"


class Limit(StrEnum):
    """Which limit of requests counts, besides the one per user and address."""

    NONE = "none"
    STARTS = "starts"
    SIGN_INS = "sign_ins"


class Recorded(StrEnum):
    """Which calls of an endpoint that names an action leave an entry in the audit: all, or those that did not work."""

    ALL = "all"
    FAILURES = "failures"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks and from where. `identity` is None where the endpoint is for anyone and no token came."""

    identity: Identity | None
    address: str
    request_id: str

    @property
    def who(self) -> Identity:
        """The identity, for endpoints that ask for a permission."""
        if self.identity is None:
            raise LookupError("the endpoint is for anyone: nobody has to be signed in")
        return self.identity


class Call(msgspec.Struct, Generic[P, Q, B], frozen=True, kw_only=True):
    """One decoded request. `headers` and `cookies` are those few that a handler may look at, names in lower case."""

    api: Surroundings
    caller: Caller
    path: P
    query: Q
    body: B
    headers: Mapping[str, str] = {}
    cookies: Mapping[str, str] = {}


class Answer(msgspec.Struct, Generic[A], frozen=True, kw_only=True):
    """What a handler answers where the document alone does not say it: another status, headers, a body of its own.

    `content` with `media_type` stands in for the JSON of `document`. `audit` adds names and counts to the audit entry,
    `actor` is who the caller turned out to be where nobody was signed in before.
    """

    document: A | None = None
    status: int | None = None
    headers: Mapping[str, str] = {}
    set_cookies: tuple[str, ...] = ()
    content: bytes | None = None
    media_type: str = "application/json"
    audit: Mapping[str, str | int | None] = {}
    actor: str = ""


Handler = Callable[[Call[Any, Any, Any]], Awaitable[Any]]
"""Takes a `Call` of the endpoint's types and gives its document, or an `Answer` of it."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table. Types are Forms (`path`, `query`, `body`) and a Document (`answer`; None: no body, 204).

    `path` is a template whose names are the fields of its Form in camelCase: `/api/migrations/{id}`. `also` names
    further statuses with the document type they answer (None: problem+json). `audit` is the action, `thing.verb`, that
    the audit records whatever comes of the call, or by `recorded` if it did not work; empty for reads that show no PHI.
    `headers` are those of the answer
    that the documentation names, `accepts` those of the request. `audited` are fields of the body that the audit has
    before the call is made. Where the body is optional a request may come without one.
    """

    method: str
    path: str
    operation_id: str
    permission: Permission
    summary: str
    tag: Tag
    handler: Handler
    parameters: type = Nothing
    query: type = Nothing
    body: type | None = None
    body_optional: bool = False
    answer: type | None = None
    status: int = 200
    also: Mapping[int, type | None] = {}
    media_types: tuple[str, ...] = ("application/json",)
    headers: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    limit: Limit = Limit.NONE
    audit: str = ""
    recorded: Recorded = Recorded.ALL
    audited: tuple[str, ...] = ()
