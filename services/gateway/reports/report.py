"""From what the ledger and the audit show of a run to its report."""

from __future__ import annotations

from datetime import datetime

from services.gateway.chain_watch import Looked
from services.gateway.documents.report import Deed, ReportDocument
from services.gateway.reports.beside import Beside, audit_of, codebooks_of, filters_of, times_of, verify_of
from services.gateway.reports.evidence import Known, evidence, sentence
from shared.ledger.provenance import Provenance
from shared.ledger.snapshots import RunSnapshot
from shared.status.accounts import balance_of
from shared.status.status import run_status


def run_report(
    snapshot: RunSnapshot,
    provenance: Provenance,
    chain: Looked | None,
    *,
    written_at: datetime,
    beside: Beside | None = None,
) -> ReportDocument:
    """The report of a run as it is at this moment, with whatever is known `beside` its own figures."""
    beside = beside or Beside()
    status, balance = run_status(snapshot), balance_of(snapshot)
    known = Known(
        snapshot=snapshot, balance=balance, provenance=provenance, chain=chain, verification=beside.verification
    )
    verdict = status.verdict
    return ReportDocument(
        run_id=snapshot.run,
        migration_id=snapshot.migration_id,
        migration=snapshot.migration,
        plan=snapshot.plan_name,
        plan_version=snapshot.plan_version,
        plan_hash=provenance.plan_hash,
        kind=snapshot.kind,
        mode=snapshot.mode,
        state=snapshot.state,
        transfuse_version=provenance.transfuse_version,
        duckdb_version=provenance.duckdb_version,
        written_at=written_at,
        snapshot_at=provenance.snapshot_at,
        snapshot_count=snapshot.snapshot_count,
        started_at=snapshot.started_at,
        completed_at=snapshot.finished_at,
        duration_seconds=_seconds(snapshot),
        sentence=sentence(known, otherwise=f"{verdict.headline} {verdict.detail}".strip()),
        verdict=verdict,
        balance=balance,
        evidence=evidence(known),
        warnings=status.warnings,
        brought_in=status.brought_in,
        notices=status.notices,
        quarantine=status.quarantine,
        resolved=status.resolved,
        phases=status.phases,
        deeds=_deeds(snapshot, provenance),
        sums=status.sums,
        filters=filters_of(snapshot, beside.plan),
        codebooks=codebooks_of(beside.books),
        times=times_of(snapshot),
        verify=verify_of(beside.verification),
        audit=audit_of(provenance),
    )


def _seconds(snapshot: RunSnapshot) -> float | None:
    if snapshot.started_at is None or snapshot.finished_at is None:
        return None
    return round((snapshot.finished_at - snapshot.started_at).total_seconds(), 3)


def _deeds(snapshot: RunSnapshot, provenance: Provenance) -> tuple[Deed, ...]:
    started = Deed(at=snapshot.created_at, actor=snapshot.actor, verb="start")
    return (started, *(Deed(at=asked.at, actor=asked.actor, verb=asked.verb) for asked in provenance.asked))
