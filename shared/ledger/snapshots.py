"""What there is to show of a run: states, counts and names, no values."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from shared.core.counts import Counts, MappingBalance
from shared.core.passes import mode_of
from shared.core.states import FINAL, Brought, LoadMode, MappingState, RunKind, RunState, Stage
from shared.core.sums import ProvenSum

NOT_COUNTED = -1
"""Stands for a count that planning has not taken: a mapping that has it never balances."""


class BatchCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Batches of a mapping or run by state."""

    planned: int = 0
    dispatched: int = 0
    settled: int = 0
    failed: int = 0
    split: int = 0

    @property
    def total(self) -> int:
        """Batches that have to settle: split ones live on in their parts."""
        return self.planned + self.dispatched + self.settled + self.failed

    def __add__(self, other: BatchCounts) -> BatchCounts:
        return BatchCounts(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class MappingSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One mapping of a run. `driving_rows` and `from_rows` are None until they are counted; rates are in rows a second.

    `started_at` is when its first batch was dispatched, `settled_at` when its last one settled so far; `sums` are those
    that finishing compared.
    """

    mapping: str
    pass_number: int
    state: MappingState
    position: int
    depends_on: tuple[str, ...]
    driving_rows: int | None
    from_rows: int | None
    estimated: bool
    counts: Counts
    batches: BatchCounts
    rows_per_second: float
    started_at: datetime | None
    settled_at: datetime | None
    reason: str
    message: str
    sums: tuple[ProvenSum, ...] = ()

    @property
    def balance(self) -> MappingBalance:
        """Its balance so far; never balanced while a count is missing."""
        return MappingBalance(
            mapping=self.mapping,
            pass_number=self.pass_number,
            driving_rows=NOT_COUNTED if self.driving_rows is None else self.driving_rows,
            from_rows=NOT_COUNTED if self.from_rows is None else self.from_rows,
            counts=self.counts,
        )


class WarningCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often a warning came up in a mapping."""

    mapping: str
    code: str
    column: str
    row_count: int


class BroughtInCount(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a mapping whose column holds what is not in the source: invented by the plan, or the target's default."""

    mapping: str
    kind: Brought
    column: str
    row_count: int


class QuarantineCount(msgspec.Struct, frozen=True, kw_only=True):
    """Rows in quarantine for one reason; a row with two reasons counts in both."""

    mapping: str
    stage: Stage
    code: str
    column: str
    row_count: int


class ResolvedCount(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows that a pass of a mapping refused: `replaced` ones were refused again, and wait there."""

    mapping: str
    pass_number: int
    waiting: int = 0
    replayed: int = 0
    filtered: int = 0
    discarded: int = 0
    replaced: int = 0


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a run's history: `kind` is `state`, `asked` or a service's own; `detail` holds names and counts."""

    seq: int
    at: datetime
    kind: str
    detail: dict[str, str | int | None]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A warning about the run as a whole: its code, the table it is about where it is about one, in our own words."""

    code: str
    table: str = ""
    message: str = ""


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a run's life in one state. A run that was paused has a state twice; the last one is open."""

    state: RunState
    started_at: datetime
    ended_at: datetime | None = None


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Rows settled in each whole interval of the last minutes, oldest first; empty unless the run moves.

    Intervals end where the snapshot was read and none reaches back before the run last began to move.
    """

    interval_seconds: float = 10.0
    rows: tuple[int, ...] = ()


class FindingCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a verify came to: `differences` are rows that are not as they should be, extra ones among them.

    `changed` counts rows whose source has changed since they were loaded, `not_checked` those that a sample left out.
    """

    differences: int = 0
    changed: int = 0
    not_checked: int = 0


class RunSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run at one moment. `seq` = settled batches + run events: of two snapshots the higher is the younger.

    `counts` and `row_total` are of first passes, which read every row once; `work_done` and `work_total` count the
    rows of second passes beside them. `rows_per_second` is over the last seconds while it runs, over the whole run
    when it has ended; `eta_seconds` None while it cannot be told. `asked_by` is who last paused, resumed or
    cancelled it, `notices` what was warned about that belongs to no mapping's rows. `resolved` is told of ended runs.
    `brought_in` counts what is not in the source and no warning: the plan or the target has it so. `findings` is of
    verifies that have ended, None of other runs.
    """

    run: UUID
    migration_id: UUID
    migration: str
    plan_name: str
    plan_hash: str
    kind: RunKind
    mode: LoadMode
    state: RunState
    seq: int
    reason: str
    message: str
    remedy: str
    snapshot_count: int
    mappings: tuple[MappingSnapshot, ...]
    counts: Counts
    batches: BatchCounts
    row_total: int
    rows_per_second: float
    eta_seconds: float | None
    warnings: tuple[WarningCount, ...]
    quarantine: tuple[QuarantineCount, ...]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    moved_at: datetime
    read_at: datetime
    brought_in: tuple[BroughtInCount, ...] = ()
    plan_version: int = 0
    actor: str = ""
    priority: int = 0
    asked_by: str = ""
    snapshot_at: datetime | None = None
    notices: tuple[Notice, ...] = ()
    phases: tuple[Phase, ...] = ()
    pace: Pace = Pace()
    resolved: tuple[ResolvedCount, ...] = ()
    findings: FindingCounts | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more, short of a resume of a failed run."""
        return self.state in FINAL

    @property
    def work_done(self) -> int:
        """Settled rows of all passes."""
        return sum(mapping.counts.settled for mapping in self.mappings)

    @property
    def work_total(self) -> int:
        """Rows to settle of all passes."""
        return sum(mapping.from_rows or 0 for mapping in self.mappings)

    @property
    def waiting(self) -> int:
        """Rows in quarantine, also those that are loaded and of which only a second pass was refused.

        A comparison counts refused rows too, and puts none there.
        """
        loads = [one for one in self.mappings if mode_of(self.mode, one.pass_number) is not LoadMode.COMPARE]
        return sum(mapping.counts.quarantined for mapping in loads)

    @property
    def balances(self) -> tuple[MappingBalance, ...]:
        """The balance of every mapping."""
        return tuple(mapping.balance for mapping in self.mappings)
