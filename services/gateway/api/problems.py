"""Errors as the API tells them: `application/problem+json`, a stable code, a remedy, never a driver's text."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from shared.core.document import Document
from shared.core.errors import TransfuseError


class Finding(Document, frozen=True, kw_only=True):
    """One place that is wrong: a field of a body, or a line of a plan."""

    message: str
    field: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    remedy: str = ""


class Problem(Document, frozen=True, kw_only=True):
    """RFC 9457 with three members of ours: `code` for programs, `remedy` for people, `requestId` for both."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    remedy: str = ""
    request_id: str = ""
    errors: tuple[Finding, ...] = ()


class ApiError(TransfuseError):
    """An answer other than the one asked for. The text becomes the problem's `detail`.

    `audit` are names and counts for the audit entry, which the caller is not told.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        code: str,
        remedy: str = "",
        errors: tuple[Finding, ...] = (),
        headers: Mapping[str, str] | None = None,
        audit: Mapping[str, str | int | None] | None = None,
    ) -> None:
        super().__init__(detail, remedy=remedy, code=code)
        self.status = status
        self.errors = errors
        self.headers = dict(headers or {})
        self.audit = dict(audit or {})


def not_found(what: str) -> ApiError:
    """404 for a thing that is not there, or not for the caller."""
    return ApiError(HTTPStatus.NOT_FOUND, f"There is no such {what}.", code="not_found")


def conflict(detail: str, *, code: str, remedy: str = "") -> ApiError:
    """409: the state of things does not allow it now."""
    return ApiError(HTTPStatus.CONFLICT, detail, code=code, remedy=remedy)


def bad_request(
    detail: str, *, code: str = "bad_request", remedy: str = "", errors: tuple[Finding, ...] = ()
) -> ApiError:
    """400: the request itself is wrong."""
    return ApiError(HTTPStatus.BAD_REQUEST, detail, code=code, remedy=remedy, errors=errors)


CONFLICTS = frozenset(
    {
        *("already_active", "active_run", "name_taken", "not_allowed", "not_available", "not_stopped"),
        *("other_migration", "unresolved_rows"),
        *("nothing_waits", "not_replayable", "replay_active", "undone"),
        *("details_removed", "nothing_to_undo", "no_validation"),
    }
)
MISSING = frozenset({"unknown_run", "unknown_migration", "unknown_plan", "unknown_row", "unknown_account"})


def status_of(code: str) -> HTTPStatus:
    """The status of one of our `Refused` errors, by its code; 400 for one that is about the request."""
    if code in CONFLICTS:
        return HTTPStatus.CONFLICT
    if code == "key_reused":
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.NOT_FOUND if code in MISSING else HTTPStatus.BAD_REQUEST
