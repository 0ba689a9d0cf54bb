"""The states of runs, mappings and batches, and the words that go with them."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """Life of a run; see `ACTIVE` and `FINAL` for the two halves."""

    PENDING = "pending"
    PLANNING = "planning"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHING = "finishing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


FINAL = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED})
ACTIVE = frozenset(RunState) - FINAL


class RunKind(StrEnum):
    """What a run is for."""

    MIGRATE = "migrate"
    VALIDATE = "validate"
    VERIFY = "verify"
    DIFFERENTIAL = "differential"
    REPLAY = "replay"
    UNDO = "undo"
    CLEANUP = "cleanup"
    HEALTH_CHECK = "health_check"


class LoadMode(StrEnum):
    """How the loader ends a batch: the same extraction and transformation with another ending."""

    INSERT = "insert"
    MERGE = "merge"
    CHECK = "check"
    COMPARE = "compare"
    PATCH = "patch"


class MappingState(StrEnum):
    """A mapping within a run. `COMPLETE` when every batch is settled and no more will be cut."""

    PLANNED = "planned"
    OPEN = "open"
    PAUSED = "paused"
    COMPLETE = "complete"
    FAILED = "failed"


class BatchState(StrEnum):
    """A batch in the ledger: `planned -> dispatched -> settled | failed | split`."""

    PLANNED = "planned"
    DISPATCHED = "dispatched"
    SETTLED = "settled"
    FAILED = "failed"
    SPLIT = "split"


class Outcome(StrEnum):
    """What became of one row that was read. Their counts add up to the rows read."""

    LOADED = "loaded"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    MERGED = "merged"
    FILTERED = "filtered"
    QUARANTINED = "quarantined"


class Stage(StrEnum):
    """The stages a batch passes through, in order."""

    EXTRACT = "extract"
    TRANSFORM = "transform"
    LOAD = "load"


class Encoding(StrEnum):
    """How target rows travel: binary COPY where every column has an exact encoder, else CSV."""

    BINARY = "binary"
    CSV = "csv"
