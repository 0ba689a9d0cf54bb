"""Snapshots of a run as the tests of what is said of it need them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.core.counts import Counts
from shared.core.states import LoadMode, MappingState, RunKind, RunState
from shared.ledger.snapshots import BatchCounts, MappingSnapshot, Phase, RunSnapshot

STARTED = datetime(2026, 1, 2, 3, tzinfo=UTC)
READ = STARTED + timedelta(minutes=20)


def after(minutes: float) -> datetime:
    """So long after the run started."""
    return STARTED + timedelta(minutes=minutes)


def mapping_snapshot(name: str = "patients", **fields: Any) -> MappingSnapshot:  # noqa: ANN401 - fields of any type
    """A mapping of 1,000 rows, half of which are settled."""
    given: dict[str, Any] = {
        "mapping": name,
        "pass_number": 1,
        "state": MappingState.OPEN,
        "position": 0,
        "depends_on": (),
        "driving_rows": 1000,
        "from_rows": 1000,
        "estimated": False,
        "counts": Counts(read=500, loaded=500),
        "batches": BatchCounts(planned=3, dispatched=2, settled=5),
        "rows_per_second": 10.0,
        "started_at": STARTED,
        "settled_at": READ,
        "reason": "",
        "message": "",
        **fields,
    }
    return MappingSnapshot(**given)


def run_snapshot(*mappings: MappingSnapshot, **fields: Any) -> RunSnapshot:  # noqa: ANN401 - fields of any type
    """A run that moves for 20 minutes."""
    found = mappings or (mapping_snapshot(),)
    given: dict[str, Any] = {
        "run": UUID(int=1),
        "migration_id": UUID(int=2),
        "migration": "clinic",
        "plan_name": "clinic",
        "plan_hash": "",
        "kind": RunKind.MIGRATE,
        "mode": LoadMode.INSERT,
        "state": RunState.RUNNING,
        "seq": 1,
        "reason": "",
        "message": "",
        "remedy": "",
        "snapshot_count": 1,
        "mappings": found,
        "counts": sum((mapping.counts for mapping in found if mapping.pass_number == 1), Counts()),
        "batches": sum((mapping.batches for mapping in found), BatchCounts()),
        "row_total": sum(mapping.from_rows or 0 for mapping in found if mapping.pass_number == 1),
        "rows_per_second": 10.0,
        "eta_seconds": None,
        "warnings": (),
        "quarantine": (),
        "created_at": STARTED,
        "started_at": STARTED,
        "finished_at": None,
        "moved_at": STARTED,
        "read_at": READ,
        "phases": (Phase(state=RunState.RUNNING, started_at=STARTED),),
        **fields,
    }
    return RunSnapshot(**given)
