"""What a run may be told when it is started, as the ledger keeps it."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec

from shared.core.states import LoadMode

MOST_BATCH_ROWS = 50_000


class BuiltOn(StrEnum):
    """What an undo does where others built on the rows of its run: changed them since, or refer to them.

    REFUSE writes nothing. KEEP leaves such rows. DISCARD takes changed ones back all the same; what others refer to
    stays even then.
    """

    REFUSE = "refuse"
    KEEP = "keep"
    DISCARD = "discard"


class ReplayChoice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which waiting rows of a run, and of the replays of it, are replayed; all of them where nothing is said.

    By their ids, or by a reason's `code`, its `column` and the mapping, whichever are given. `marked` are those that
    the ledger has marked for this very replay.
    """

    rows: tuple[UUID, ...] | None = None
    code: str | None = None
    column: str | None = None
    mapping: str | None = None
    marked: bool = False

    @property
    def filters(self) -> tuple[list[UUID] | None, str | None, str | None, str | None]:
        """The same as the ledger's statements take it."""
        return None if self.rows is None else list(self.rows), self.code, self.column, self.mapping


class RunOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Options of one run; those that are as usual are not written down.

    `batch_rows` and `batch_bytes` of source text is what a batch may have at most. `skip_validation` leaves out the
    plan's rules, and nothing else: constraints, preflight and balance hold for every run. `only` names the mappings
    that are run, or as `mapping.column` the columns that are filled in late; empty for the whole plan.
    `tries` is the mode that a dry run tries, insert or merge; `built_on` is an undo's, `replay` a replay's.
    With `verify` the run compares what it has written before it ends;
    `sample` is the share of the rows, above 0 and below 1, that a verify looks at. `repairs_changed` if a repair takes
    rows along whose source changed since they were loaded.
    `suspend_constraints` takes indexes and foreign keys off the mapped tables until the rows are there.
    """

    batch_rows: int = MOST_BATCH_ROWS
    batch_bytes: int = 6 * 1024 * 1024
    skip_validation: bool = False
    only: tuple[str, ...] = ()
    tries: LoadMode = LoadMode.INSERT
    built_on: BuiltOn = BuiltOn.REFUSE
    replay: ReplayChoice | None = None
    verify: bool = False
    sample: float | None = None
    repairs_changed: bool = False
    suspend_constraints: bool = False
