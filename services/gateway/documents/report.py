"""Documents of a run's report."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from shared.core.document import Document, Form
from shared.core.findings import VerifyOutcome
from shared.core.states import LoadMode, RunKind, RunState
from shared.ledger.snapshots import Notice
from shared.status.document import (
    BalanceStatus,
    BroughtInStatus,
    PhaseStatus,
    ReasonStatus,
    ResolvedStatus,
    SumStatus,
    Verdict,
    WarningStatus,
)


class ReportFormat(StrEnum):
    """How a report is wanted: for programs, or as one HTML file that needs nothing else."""

    JSON = "json"
    HTML = "html"


class ReportQuery(Form, frozen=True, kw_only=True):
    """The format; without one the header Accept decides."""

    format: ReportFormat | None = None


class ProofState(StrEnum):
    """What a check came to. What was not checked never counts as passed."""

    HOLDS = "holds"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


class Proof(Document, frozen=True, kw_only=True):
    """How one figure is known: by which check, with which result, when."""

    code: str
    check: str
    result: str
    state: ProofState
    at: datetime | None = None


class Deed(Document, frozen=True, kw_only=True):
    """Somebody started the run, or paused, resumed or cancelled it."""

    at: datetime
    actor: str
    verb: str


class FilterReport(Document, frozen=True, kw_only=True):
    """What left rows of a mapping out: its `keep`, and references whose filtered parents take their children along."""

    mapping: str
    keep: str
    parents: tuple[str, ...]
    rows: int


class CodeReport(Document, frozen=True, kw_only=True):
    """A code of a book, what it means, in how many rows of the snapshot it was met."""

    code: str
    meaning: str
    rows: int


class CodebookReport(Document, frozen=True, kw_only=True):
    """What one column's code book met: codes in five rows and more by name, of all others how many there are.

    `unknown` codes are not in the book; `unknown_rows` is None where that are fewer than five rows. They become
    `otherwise`, or wait in quarantine where it is None. `many` where not all values were looked at, `untold` where none
    could be.
    """

    mapping: str
    column: str
    book: str
    codes: tuple[CodeReport, ...]
    rare: int
    unknown: int
    unknown_rows: int | None
    otherwise: str | None
    many: bool
    untold: bool


class MappingTime(Document, frozen=True, kw_only=True):
    """When the first batch of a pass of a mapping was sent out and the last one settled."""

    mapping: str
    pass_number: int = msgspec.field(name="pass")
    started_at: datetime | None
    settled_at: datetime | None
    seconds: float | None
    rows_per_second: float


class VerifyReport(Document, frozen=True, kw_only=True):
    """What the youngest verify of the run came to; `run_id` is that verify, or the run itself."""

    run_id: UUID
    outcome: VerifyOutcome
    sample: float | None
    checked: int
    equal: int
    different: int
    missing: int
    unexpected: int
    extra: int | None
    changed_since: int
    could_not_verify: int
    compared_with: datetime | None


class AuditedAct(Document, frozen=True, kw_only=True):
    """An entry of the audit that names the run."""

    at: datetime
    actor: str
    action: str
    outcome: str


class ReportDocument(Document, frozen=True, kw_only=True):
    """A run's report. `sentence` says in words what `balance` says in figures; names and counts, no values of rows."""

    run_id: UUID
    migration_id: UUID
    migration: str
    plan: str
    plan_version: int
    plan_hash: str
    kind: RunKind
    mode: LoadMode
    state: RunState
    transfuse_version: str
    duckdb_version: str
    written_at: datetime
    snapshot_at: datetime | None
    snapshot_count: int
    started_at: datetime | None
    completed_at: datetime | None
    duration_seconds: float | None
    sentence: str
    verdict: Verdict
    balance: BalanceStatus
    evidence: tuple[Proof, ...]
    warnings: tuple[WarningStatus, ...]
    brought_in: tuple[BroughtInStatus, ...]
    notices: tuple[Notice, ...]
    quarantine: tuple[ReasonStatus, ...]
    resolved: tuple[ResolvedStatus, ...]
    phases: tuple[PhaseStatus, ...]
    deeds: tuple[Deed, ...]
    sums: tuple[SumStatus, ...] = ()
    filters: tuple[FilterReport, ...] = ()
    codebooks: tuple[CodebookReport, ...] = ()
    times: tuple[MappingTime, ...] = ()
    verify: VerifyReport | None = None
    audit: tuple[AuditedAct, ...] = ()
