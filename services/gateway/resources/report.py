"""The report of a run, as JSON or as one HTML file."""

from __future__ import annotations

from services.gateway.api.endpoint import Answer, Call, Endpoint, Tag
from services.gateway.documents.report import ReportDocument, ReportFormat, ReportQuery
from services.gateway.documents.runs import RunPath
from services.gateway.reports.gathering import gather
from services.gateway.reports.page import report_page
from services.gateway.reports.report import run_report
from shared.identity.permissions import Permission

HTML = "text/html; charset=utf-8"


async def read_report(call: Call[RunPath, ReportQuery, None]) -> Answer[ReportDocument]:
    api = call.api
    snapshot = await api.progress.read(call.path.id)
    provenance = await api.provenances.read(call.path.id)
    beside = await gather(api.ledger, call.path.id, provenance.plan_hash, api.inspections.inspect)
    report = run_report(snapshot, provenance, await api.chain_watch.look(), written_at=api.clock(), beside=beside)
    if wanted(call.query, call.headers.get("accept", "")) is ReportFormat.JSON:
        return Answer(document=report, headers={"Vary": "Accept"})
    return Answer(
        content=report_page(report).encode(),
        media_type=HTML,
        headers={"Vary": "Accept", "Content-Disposition": f'inline; filename="report-{report.run_id}.html"'},
    )


def wanted(query: ReportQuery, accept: str) -> ReportFormat:
    """What the query names, else HTML for those who name it and no JSON before it."""
    if query.format is not None:
        return query.format
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    known = [name for name in named if name in {"text/html", "application/json"}]
    return ReportFormat.HTML if known[:1] == ["text/html"] else ReportFormat.JSON


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/runs/{id}/report",
        operation_id="readRunReport",
        permission=Permission.MIGRATION_READ,
        summary="What a run came to and how that is known",
        tag=Tag.RUNS,
        handler=read_report,
        parameters=RunPath,
        query=ReportQuery,
        answer=ReportDocument,
        media_types=("application/json", "text/html"),
    ),
)
