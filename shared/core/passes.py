"""The passes of a mapping, by the number that its batches carry. A run has those that its mode and its plan need."""

from __future__ import annotations

from typing import Final

from shared.core.states import LoadMode

FIRST: Final = 1
"""Every row, once."""
SECOND: Final = 2
"""References that had to wait until all rows were there."""
REMOVAL: Final = 3
"""Rows of an earlier run that the source does not have any more; of a merge alone."""
COMPARISON: Final = 4
"""Every row again, held against the target, under the snapshot that it was loaded from."""
SECOND_COMPARISON: Final = 5
"""The same of the references that had to wait."""

PROGRAM_OF: Final = {FIRST: FIRST, SECOND: SECOND, COMPARISON: FIRST, SECOND_COMPARISON: SECOND}
"""Which pass a pass takes its programs from; a removal has none, for it reads no source."""


def mode_of(run_mode: LoadMode, number: int) -> LoadMode:
    """How batches of a pass end: a second one patches, a comparison writes nothing, whatever the run does besides."""
    if run_mode is LoadMode.COMPARE or number in {COMPARISON, SECOND_COMPARISON}:
        return LoadMode.COMPARE
    return LoadMode.PATCH if number == SECOND else run_mode
