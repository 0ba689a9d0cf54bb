"""Whether a run may switch constraints of the target off while it loads."""

from __future__ import annotations

from shared.core.errors import Refused
from shared.core.run_options import RunOptions
from shared.core.states import LoadMode


def check_suspension(options: RunOptions, mode: LoadMode) -> None:
    """Raise Refused where a run that does more than insert rows is to suspend constraints."""
    if options.suspend_constraints and mode is not LoadMode.INSERT:
        raise Refused(
            f"Constraints are not suspended for a run of mode {mode}: foreign keys guard the rows that it changes.",
            code="contradiction",
            remedy="Leave them in force, or run in the mode insert.",
        )
