"""Runs: one run."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.gateway.api.endpoint import Call, Endpoint, Nothing, Tag
from services.gateway.api.surroundings import Surroundings
from services.gateway.documents.runs import RunDocument, RunPath
from shared.core.states import JOB_TYPES
from shared.identity.permissions import Permission
from shared.ledger.outcomes import RunOutcome
from shared.ledger.runs import Run
from shared.ledger.snapshots import Notice
from shared.status.status import warnings_of


async def read_run(call: Call[RunPath, Nothing, None]) -> RunDocument:
    return await document_with_outcome(call.api, await call.api.runs.get(call.path.id))


async def document_with_outcome(api: Surroundings, run: Run) -> RunDocument:
    """A run of the ledger and what it came to."""
    return (await documents_with_outcomes(api, [run]))[0]


async def documents_with_outcomes(api: Surroundings, runs: Sequence[Run]) -> tuple[RunDocument, ...]:
    """Runs of the ledger and what they came to, in their order."""
    outcomes = await api.outcomes.of(runs)
    return tuple(document_of(run, outcomes[run.id]) for run in runs)


def document_of(run: Run, outcome: RunOutcome) -> RunDocument:
    """A run of the ledger as the API shows it."""
    fields = msgspec.structs.asdict(run) | {
        "plan": run.plan_name,
        "type": JOB_TYPES[run.kind],
        "counts": outcome.counts,
        "warnings": warnings_of(outcome.warnings),
        "notices": tuple(msgspec.convert(notice, Notice, from_attributes=True) for notice in run.warnings),
        "warning_count": len(outcome.warnings) + len(run.warnings),
    }
    return RunDocument(**{name: fields[name] for name in RunDocument.__struct_fields__})


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/runs/{id}",
        operation_id="readRun",
        permission=Permission.MIGRATION_READ,
        summary="One run",
        tag=Tag.RUNS,
        handler=read_run,
        parameters=RunPath,
        answer=RunDocument,
    ),
)
