"""Preflight: what must be well in both databases before a run, asked for and read per migration."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version

from services.gateway.api.endpoint import Answer, Call, Endpoint, Limit, Nothing, Tag
from services.gateway.api.problems import ApiError, Finding
from services.gateway.documents.preflight import (
    CheckDocument,
    PreflightDocument,
    PreflightError,
    PreflightPath,
    PreflightState,
)
from shared.core.checks import Check
from shared.core.priority import Priority
from shared.core.states import RunState
from shared.identity.permissions import Permission
from shared.ledger.preflights import PlanFinding, Preflight

NAMES = {
    "from_clauses": "The legacy server reads every `from` as it is written",
    "ledger_ready": "The ledger is in the target",
    "legacy_encoding": "Legacy texts have an encoding",
    "legacy_least_rights": "The legacy role can only read",
    "legacy_reachable": "The legacy database answers",
    "legacy_readable": "Every selected column can be read",
    "legacy_row_security": "No legacy row is hidden",
    "legacy_snapshot": "A snapshot can be exported",
    "legacy_version": "Version of the legacy server",
    "plan_compiles": "The plan fits both catalogues",
    "target_encoding": "The target holds every character",
    "target_row_security": "Row level security lets the loader write",
    "target_version": "Version of the target server",
    "target_writable": "The loader may write every table",
}
"""What each check is about, in words; one without is called by its code."""

ENDED = {
    RunState.PENDING: PreflightState.PENDING,
    RunState.COMPLETED: PreflightState.DONE,
    RunState.FAILED: PreflightState.FAILED,
    RunState.CANCELLED: PreflightState.FAILED,
}


async def start_preflight(call: Call[PreflightPath, Nothing, None]) -> Answer[PreflightDocument]:
    """Ask for the checks; one that is under way is joined."""
    started = await call.api.preflights.start(
        call.path.id,
        actor=call.caller.who.actor,
        transfuse_version=version("transfuse"),
        priority=Priority.HIGH.rank,
    )
    location = f"/api/migrations/{call.path.id}/preflight"
    return Answer(document=document_of(started), headers={"Location": location}, audit={"run": str(started.run)})


async def read_preflight(call: Call[PreflightPath, Nothing, None]) -> PreflightDocument:
    """The latest preflight of a migration."""
    found = await call.api.preflights.latest(call.path.id)
    if found is None:
        raise ApiError(
            HTTPStatus.NOT_FOUND,
            "Nobody has asked for a preflight of this migration yet.",
            code="no_preflight",
            remedy="Ask for one with POST at the same address.",
        )
    return document_of(found)


def document_of(found: Preflight) -> PreflightDocument:
    """A preflight of the ledger as the API shows it."""
    state = ENDED.get(found.state, PreflightState.RUNNING)
    return PreflightDocument(
        run_id=found.run,
        migration_id=found.migration,
        state=state,
        plan=found.plan,
        plan_version=found.plan_version,
        actor=found.actor,
        requested_at=found.requested_at,
        checked_at=found.checked_at,
        checks=tuple(map(_check, found.checks)),
        findings=tuple(map(finding_of, found.findings)),
        error=_error(found) if state is PreflightState.FAILED else None,
    )


def finding_of(found: PlanFinding) -> Finding:
    """What is wrong at a place of a plan, with the near miss as its remedy."""
    return Finding(
        message=found.message,
        file=found.file,
        line=found.line,
        column=found.column,
        remedy=f"Write {found.suggestion}." if found.suggestion else "",
    )


def _check(check: Check) -> CheckDocument:
    return CheckDocument(
        code=check.name,
        name=NAMES.get(check.name, check.name.replace("_", " ")),
        state=check.state,
        message=check.message,
        fix=check.fix,
        takes_seconds=check.seconds,
    )


def _error(found: Preflight) -> PreflightError:
    if found.state is RunState.CANCELLED:
        return PreflightError(code="cancelled", message="The preflight was cancelled.", remedy="Ask for another one.")
    return PreflightError(code=found.reason, message=found.message, remedy=found.remedy)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/migrations/{id}/preflight",
        operation_id="startPreflight",
        permission=Permission.MIGRATION_START,
        summary="Check both databases and the plan, without moving a row",
        tag=Tag.MIGRATIONS,
        handler=start_preflight,
        parameters=PreflightPath,
        answer=PreflightDocument,
        status=HTTPStatus.ACCEPTED,
        also={404: None},
        limit=Limit.STARTS,
        audit="preflight.start",
    ),
    Endpoint(
        method="GET",
        path="/api/migrations/{id}/preflight",
        operation_id="readPreflight",
        permission=Permission.MIGRATION_READ,
        summary="What the latest preflight found, each check with what mends it",
        tag=Tag.MIGRATIONS,
        handler=read_preflight,
        parameters=PreflightPath,
        answer=PreflightDocument,
        also={404: None},
    ),
)
