"""The states of runs, mappings and batches, and the words that go with them."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


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


BESIDE = frozenset({RunKind.VALIDATE, RunKind.CLEANUP, RunKind.HEALTH_CHECK})
"""Kinds that move no rows: they may go beside a run that does, and a migration is not judged by them.

The ledger's statements spell the same three out.
"""


class JobType(StrEnum):
    """What the portal's API calls the kinds of runs."""

    MIGRATION = "migration"
    VALIDATION = "validation"
    CLEANUP = "cleanup"
    HEALTH_CHECK = "health_check"


JOB_TYPES = MappingProxyType(
    {
        RunKind.MIGRATE: JobType.MIGRATION,
        RunKind.VALIDATE: JobType.VALIDATION,
        RunKind.VERIFY: JobType.VALIDATION,
        RunKind.DIFFERENTIAL: JobType.MIGRATION,
        RunKind.REPLAY: JobType.MIGRATION,
        RunKind.UNDO: JobType.MIGRATION,
        RunKind.CLEANUP: JobType.CLEANUP,
        RunKind.HEALTH_CHECK: JobType.HEALTH_CHECK,
    },
)


class LoadMode(StrEnum):
    """How the loader ends a batch: the same extraction and transformation with another ending."""

    INSERT = "insert"
    MERGE = "merge"
    CHECK = "check"
    COMPARE = "compare"
    PATCH = "patch"


BUILT_MODES = frozenset({LoadMode.INSERT, LoadMode.MERGE, LoadMode.PATCH, LoadMode.CHECK, LoadMode.COMPARE})
"""Modes that the loader knows how to end a batch in: a run in another one is refused before it begins."""


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
    """What became of one row that was read. Their counts add up to the rows read.

    Of a row that an undo or a removal looks at: `deleted`, `updated` where its former values are back, `unchanged`
    where it stays. `different` is a row that a comparison misses, or finds to be not what the plan makes of the source.
    """

    LOADED = "loaded"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    MERGED = "merged"
    FILTERED = "filtered"
    QUARANTINED = "quarantined"
    DELETED = "deleted"
    DIFFERENT = "different"


class Stage(StrEnum):
    """The stages a batch passes through, in order."""

    EXTRACT = "extract"
    TRANSFORM = "transform"
    LOAD = "load"


class Brought(StrEnum):
    """Where a value comes from that is not in the source.

    A value of the plan that is marked as invented, a code book's for unknown codes, the default of the target's column,
    a reference to the row that stands for missing parents.
    """

    INVENTED = "invented"
    OTHERWISE = "otherwise"
    DEFAULT = "default"
    PLACEHOLDER = "placeholder"


class Encoding(StrEnum):
    """How target rows travel: binary COPY where every column has an exact encoder, else CSV."""

    BINARY = "binary"
    CSV = "csv"
