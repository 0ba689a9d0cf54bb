"""The status of a run as API and sockets give it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from shared.core.counts import Counts
from shared.core.document import Document
from shared.core.states import Brought, LoadMode, MappingState, RunKind, RunState, Stage
from shared.core.sums import SumState
from shared.ledger.register import ShownState
from shared.ledger.snapshots import BatchCounts, Notice


class Ground(StrEnum):
    """What a verdict stands on: a state, or something to look at. The names are those of the dashboard's colours."""

    PENDING = "pending"
    PLANNING = "planning"
    PAUSED = "paused"
    ATTENTION = "attention"
    QUARANTINED = "quarantined"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ProgressStatus(Document, frozen=True, kw_only=True):
    """Settled rows of all rows, those of second passes counted once more: the work, not the rows there are.

    `percentage` is 100 only when the run is completed. `estimated` marks the total.
    """

    current: int
    total: int
    percentage: float
    estimated: bool = False


class Failure(Document, frozen=True, kw_only=True):
    """Why a run failed, and what to do about it."""

    code: str
    message: str
    remedy: str


class Verdict(Document, frozen=True, kw_only=True):
    """What is true of a run now and whether somebody is needed: a sentence, what is safe, the figures behind both."""

    code: str
    ground: Ground
    headline: str
    detail: str = ""
    figures: Mapping[str, int | float] = {}


class PhaseStatus(Document, frozen=True, kw_only=True):
    """A stretch of the run's life in one state; the last one has no end while the run is not final."""

    phase: RunState
    started_at: datetime
    ended_at: datetime | None = None


class MappingStatus(Document, frozen=True, kw_only=True):
    """One pass of a mapping; `total` is None until it is counted.

    `waits_for` are the mappings that have to be complete before it. `in_flight` is an estimate; with `not_read` it
    makes up what is not settled.
    """

    mapping: str
    pass_number: int = msgspec.field(name="pass")
    state: MappingState
    waits_for: tuple[str, ...]
    current: int
    total: int | None
    estimated: bool
    counts: Counts
    batches: BatchCounts
    in_flight: int
    not_read: int
    rows_per_second: float
    started_at: datetime | None
    settled_at: datetime | None
    reason: str = ""
    message: str = ""


class Eta(Document, frozen=True, kw_only=True):
    """Seconds to the end, finishing included; with 80 % certainty between the 10th and the 90th percentile."""

    seconds: int
    p10_seconds: int
    p90_seconds: int | None
    at: datetime


class StageStatus(Document, frozen=True, kw_only=True):
    """One stage over all its services: how busy its workers are, 0 to 1, and how many messages wait before it."""

    stage: str
    workers: int
    rows_per_second: float
    busy_share: float
    queue_depth: int | None = None
    queue_limit: int | None = None


class MappingAccount(Document, frozen=True, kw_only=True):
    """`driving = excluded + read`, `read` = the sum of `counts`' outcomes, for one pass of a mapping.

    `driving` and `in_snapshot` were counted in the snapshot, independently of the batches; None until then.
    """

    mapping: str
    pass_number: int = msgspec.field(name="pass")
    driving: int | None
    excluded: int | None
    in_snapshot: int | None
    counts: Counts
    unaccounted: int | None
    balanced: bool


class BalanceStatus(Document, frozen=True, kw_only=True):
    """Where every row is; totals are of first passes, a second one writes to rows that the first has counted.

    `unaccounted` is over all passes, and None while a count is missing that a complete mapping should have.
    """

    balanced: bool
    in_snapshot: int
    counts: Counts
    in_flight: int
    not_read: int
    unaccounted: int | None
    mappings: tuple[MappingAccount, ...]


class WarningStatus(Document, frozen=True, kw_only=True):
    """How often a warning came up in a mapping."""

    mapping: str
    code: str
    column: str
    rows: int


class BroughtInStatus(Document, frozen=True, kw_only=True):
    """Rows of a mapping whose column holds what is not in the source.

    `kind`: invented by the plan, a code book's value for other codes (`otherwise`), the target's `default`, or a
    reference to a `placeholder`, which is a warning too.
    """

    mapping: str
    kind: Brought
    column: str
    rows: int


class ReasonStatus(Document, frozen=True, kw_only=True):
    """Rows in quarantine for one reason; a row with two reasons is in both."""

    mapping: str
    stage: Stage
    code: str
    column: str
    rows: int


class SumStatus(Document, frozen=True, kw_only=True):
    """The sums of one column, exact and as text: of the source, of what was sent by what became of it, of the target.

    `state` is `agrees`, `differs` or `not_comparable`, `reason` why something was not compared. A sum that is not there
    is unknown, or `withheld`: of so few values that it could tell one of them.
    """

    mapping: str
    column: str
    state: SumState
    reason: str = ""
    source: str | None = None
    loaded: str | None = None
    refused: str | None = None
    filtered: str | None = None
    aside: str | None = None
    target: str | None = None
    withheld: bool = False


class ResolvedStatus(Document, frozen=True, kw_only=True):
    """What became of the rows that a pass of a mapping refused, since the run has ended.

    They wait; a later run wrote them (`replayed`) or left them out by rule (`filtered`); somebody gave them up
    (`discarded`); or a later run refused them again, and they wait there (`replaced`). `loaded_now` are the rows that
    the run loaded, and those replayed since.
    """

    mapping: str
    pass_number: int = msgspec.field(name="pass")
    waiting: int
    replayed: int
    filtered: int
    discarded: int
    replaced: int
    loaded_now: int


class RunStatus(Document, frozen=True, kw_only=True):
    """All there is to say of a run now; of a migration that never ran too, with `run_id` None. No values of rows.

    `id` is the migration's. Of two statuses of a run the one of higher `seq` is the younger.
    `brought_in` and `sums` are told when a run has ended.
    """

    id: UUID
    run_id: UUID | None
    seq: int
    status: ShownState
    phase: RunState
    progress: ProgressStatus
    verdict: Verdict
    migration: str
    plan: str
    plan_version: int
    kind: RunKind | None = None
    mode: LoadMode | None = None
    actor: str = ""
    priority: int = 0
    snapshot_count: int = 0
    snapshot_at: datetime | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    read_at: datetime
    error: Failure | None = None
    phases: tuple[PhaseStatus, ...] = ()
    mappings: tuple[MappingStatus, ...] = ()
    counts: Counts = Counts()
    batches: BatchCounts = BatchCounts()
    rows_per_second: float = 0.0
    average_rows_per_second: float = 0.0
    eta: Eta | None = None
    stages: tuple[StageStatus, ...] = ()
    balance: BalanceStatus | None = None
    warnings: tuple[WarningStatus, ...] = ()
    brought_in: tuple[BroughtInStatus, ...] = ()
    sums: tuple[SumStatus, ...] = ()
    notices: tuple[Notice, ...] = ()
    quarantine: tuple[ReasonStatus, ...] = ()
    resolved: tuple[ResolvedStatus, ...] = ()
