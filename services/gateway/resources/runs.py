"""Runs: one run."""

from __future__ import annotations

import msgspec

from services.gateway.api.endpoint import Call, Endpoint, Nothing, Tag
from services.gateway.documents.runs import RunDocument, RunPath
from shared.core.states import JOB_TYPES
from shared.identity.permissions import Permission
from shared.ledger.runs import Run


async def read_run(call: Call[RunPath, Nothing, None]) -> RunDocument:
    return document_of(await call.api.runs.get(call.path.id))


def document_of(run: Run) -> RunDocument:
    """A run of the ledger as the API shows it."""
    fields = msgspec.structs.asdict(run)
    fields["plan"] = fields.pop("plan_name")
    fields["type"] = JOB_TYPES[run.kind]
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
