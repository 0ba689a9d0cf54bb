"""From what the ledger shows of a run to what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.core.states import Brought, MappingState, RunState
from shared.ledger.register import ShownState, shown_state
from shared.ledger.snapshots import MappingSnapshot, RunSnapshot, WarningCount
from shared.plan.compiled import PLACEHOLDER_PARENT
from shared.status.accounts import balance_of, in_flight, not_read
from shared.status.document import (
    BroughtInStatus,
    Failure,
    MappingStatus,
    PhaseStatus,
    ProgressStatus,
    ReasonStatus,
    ResolvedStatus,
    RunStatus,
    StageStatus,
    SumStatus,
    WarningStatus,
)
from shared.status.eta import eta_of
from shared.status.progress import progress_of
from shared.status.verdict import Seen, average_rate, never_ran, verdict_of


def run_status(snapshot: RunSnapshot, *, stages: Sequence[StageStatus] = (), away: Sequence[str] = ()) -> RunStatus:
    """All there is to say of a run. `stages` and `away` are what the services report of themselves and the world."""
    balance, progress = balance_of(snapshot), progress_of(snapshot)
    seen = Seen(snapshot=snapshot, balance=balance, progress=progress, stages=tuple(stages), away=tuple(away))
    return RunStatus(
        id=snapshot.migration_id,
        run_id=snapshot.run,
        seq=snapshot.seq,
        status=shown_state(snapshot.state),
        phase=snapshot.state,
        progress=progress,
        verdict=verdict_of(seen),
        migration=snapshot.migration,
        plan=snapshot.plan_name,
        plan_version=snapshot.plan_version,
        kind=snapshot.kind,
        mode=snapshot.mode,
        actor=snapshot.actor,
        priority=snapshot.priority,
        snapshot_count=snapshot.snapshot_count,
        snapshot_at=snapshot.snapshot_at,
        created_at=snapshot.created_at,
        started_at=snapshot.started_at,
        completed_at=snapshot.finished_at,
        read_at=snapshot.read_at,
        error=_failure(snapshot),
        phases=_phases(snapshot),
        mappings=tuple(_mapping(snapshot, mapping) for mapping in snapshot.mappings),
        counts=snapshot.counts,
        batches=snapshot.batches,
        rows_per_second=snapshot.rows_per_second,
        average_rows_per_second=average_rate(snapshot),
        eta=eta_of(snapshot),
        stages=() if snapshot.is_final else tuple(stages),
        balance=balance,
        warnings=warnings_of(snapshot.warnings),
        brought_in=_brought_in(snapshot) if snapshot.is_final else (),
        sums=_sums(snapshot) if snapshot.is_final else (),
        notices=snapshot.notices,
        quarantine=_quarantine(snapshot),
        resolved=resolved_of(snapshot),
    )


def resolved_of(snapshot: RunSnapshot) -> tuple[ResolvedStatus, ...]:
    """What became of refused rows since the run has ended."""
    loaded = {(one.mapping, one.pass_number): one.counts.loaded for one in snapshot.mappings}
    return tuple(
        ResolvedStatus(
            **msgspec.structs.asdict(one),
            loaded_now=loaded.get((one.mapping, one.pass_number), 0) + one.replayed,
        )
        for one in snapshot.resolved
    )


def warnings_of(counts: Sequence[WarningCount]) -> tuple[WarningStatus, ...]:
    """What was warned about, as statuses and lists of runs show it."""
    return tuple(
        WarningStatus(mapping=found.mapping, code=found.code, column=found.column, rows=found.row_count)
        for found in counts
    )


def never_ran_status(migration_id: UUID, *, migration: str, plan: str, plan_version: int, now: datetime) -> RunStatus:
    """Of a migration without a run: pending, 0 of 0."""
    return RunStatus(
        id=migration_id,
        run_id=None,
        seq=0,
        status=ShownState.PENDING,
        phase=RunState.PENDING,
        progress=ProgressStatus(current=0, total=0, percentage=0.0),
        verdict=never_ran(),
        migration=migration,
        plan=plan,
        plan_version=plan_version,
        read_at=now,
    )


def _failure(snapshot: RunSnapshot) -> Failure | None:
    if snapshot.state is not RunState.FAILED:
        return None
    return Failure(code=snapshot.reason, message=snapshot.message, remedy=snapshot.remedy)


def _phases(snapshot: RunSnapshot) -> tuple[PhaseStatus, ...]:
    return tuple(
        PhaseStatus(phase=phase.state, started_at=phase.started_at, ended_at=phase.ended_at)
        for phase in snapshot.phases
    )


def _mapping(snapshot: RunSnapshot, mapping: MappingSnapshot) -> MappingStatus:
    return MappingStatus(
        mapping=mapping.mapping,
        pass_number=mapping.pass_number,
        state=mapping.state,
        waits_for=_waits_for(snapshot, mapping),
        current=mapping.counts.settled,
        total=mapping.from_rows,
        estimated=mapping.estimated,
        counts=mapping.counts,
        batches=mapping.batches,
        in_flight=in_flight(snapshot, mapping),
        not_read=not_read(snapshot, mapping),
        rows_per_second=mapping.rows_per_second,
        started_at=mapping.started_at,
        settled_at=mapping.settled_at,
        reason=mapping.reason,
        message=mapping.message,
    )


def _waits_for(snapshot: RunSnapshot, mapping: MappingSnapshot) -> tuple[str, ...]:
    """The mappings that have to be complete before this one is opened: those it refers to, and its own first pass."""
    if mapping.state is not MappingState.PLANNED or snapshot.is_final:
        return ()
    return tuple(
        other.mapping
        for other in snapshot.mappings
        if other.state is not MappingState.COMPLETE and _comes_before(other, mapping)
    )


def _comes_before(other: MappingSnapshot, mapping: MappingSnapshot) -> bool:
    if other.mapping == mapping.mapping:
        return other.pass_number < mapping.pass_number
    return other.pass_number == 1 and other.mapping in mapping.depends_on


def _brought_in(snapshot: RunSnapshot) -> tuple[BroughtInStatus, ...]:
    counted = [(one.mapping, one.kind, one.column, one.row_count) for one in snapshot.brought_in]
    counted += [
        (one.mapping, Brought.PLACEHOLDER, one.column, one.row_count)
        for one in snapshot.warnings
        if one.code == PLACEHOLDER_PARENT
    ]
    return tuple(BroughtInStatus(mapping=name, kind=kind, column=at, rows=count) for name, kind, at, count in counted)


def _sums(snapshot: RunSnapshot) -> tuple[SumStatus, ...]:
    return tuple(
        SumStatus(mapping=mapping.mapping, **msgspec.structs.asdict(one))
        for mapping in snapshot.mappings
        for one in mapping.sums
    )


def _quarantine(snapshot: RunSnapshot) -> tuple[ReasonStatus, ...]:
    return tuple(
        ReasonStatus(
            mapping=found.mapping, stage=found.stage, code=found.code, column=found.column, rows=found.row_count
        )
        for found in snapshot.quarantine
    )
