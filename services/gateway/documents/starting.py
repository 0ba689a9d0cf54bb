"""Documents of starting a run."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from shared.core.document import Form
from shared.core.priority import Priority
from shared.core.run_options import MOST_BATCH_ROWS
from shared.core.states import LoadMode

MappingName = Annotated[str, Meta(min_length=1, max_length=200)]


class StartOptions(Form, frozen=True, kw_only=True):
    """How a run is to be. `validateOnly` is a dry run, the same as the mode `check`: nothing is written.

    A dry run goes into copies of the target's tables, dropped at its end; with `mode` merge it tries a merge.
    `skipValidation` leaves out the rules of the plan and the verification afterwards, and is a warning of the run;
    preflight, constraints and balance always hold. `mode` is `insert`, or `merge` for the same plan again: new rows are
    inserted, those that differ updated. `only` names the mappings that are run, parents of theirs are expected in the
    target; or, as `mapping.column`, columns that are filled in late, of rows that are there. With `verify` the run
    compares what it has written with its source before it ends, and fails where that differs. `suspendConstraints`
    takes indexes and foreign keys off the mapped tables while an `insert` loads; they are back before the run ends.
    """

    batch_size: Annotated[int, Meta(ge=1, le=MOST_BATCH_ROWS)] = MOST_BATCH_ROWS
    validate_only: bool = False
    skip_validation: bool = False
    mode: LoadMode | None = None
    priority: Priority = Priority.NORMAL
    only: Annotated[tuple[MappingName, ...], Meta(max_length=1000)] = ()
    verify: bool = False
    suspend_constraints: bool = False


class StartForm(Form, frozen=True, kw_only=True):
    """Which migration is to run, and how."""

    migration_id: UUID
    options: StartOptions = StartOptions()
