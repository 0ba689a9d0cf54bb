"""Documents of preflights."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.gateway.api.problems import Finding
from shared.core.checks import CheckState
from shared.core.document import Document, Form


class PreflightPath(Form, frozen=True, kw_only=True):
    """The migration of a path."""

    id: UUID


class PreflightState(StrEnum):
    """How far a preflight is. `failed` where a check failed or where it could not be done at all."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class CheckDocument(Document, frozen=True, kw_only=True, omit_defaults=True):
    """One check: what it is about, what was found, and what mends it, to be copied. `code` is the check's own."""

    code: str
    name: str
    state: CheckState
    message: str
    fix: str = ""
    takes_seconds: float | None = None


class PreflightError(Document, frozen=True, kw_only=True):
    """Why a preflight ended without all of its checks passed."""

    code: str
    message: str
    remedy: str


class PreflightDocument(Document, frozen=True, kw_only=True):
    """A preflight. `findings` are what is wrong with the plan, by file, line and column."""

    run_id: UUID
    migration_id: UUID
    state: PreflightState
    plan: str
    plan_version: int
    actor: str
    requested_at: datetime
    checked_at: datetime | None
    checks: tuple[CheckDocument, ...]
    findings: tuple[Finding, ...]
    error: PreflightError | None
