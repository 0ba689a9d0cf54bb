"""What a run may be told when it is started, as the ledger keeps it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

MOST_BATCH_ROWS = 50_000


class BuiltOn(StrEnum):
    """What an undo does where others built on the rows of its run: changed them since, or refer to them.

    REFUSE writes nothing. KEEP leaves such rows. DISCARD takes changed ones back all the same; what others refer to
    stays even then.
    """

    REFUSE = "refuse"
    KEEP = "keep"
    DISCARD = "discard"


class RunOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Options of one run; those that are as usual are not written down.

    `batch_rows` and `batch_bytes` of source text is what a batch may have at most. `skip_validation` leaves out the
    plan's rules, and nothing else: constraints, preflight and balance hold for every run. `only` names the mappings
    that are run, or as `mapping.column` the columns that are filled in late; empty for the whole plan.
    `built_on` is an undo's.
    """

    batch_rows: int = MOST_BATCH_ROWS
    batch_bytes: int = 6 * 1024 * 1024
    skip_validation: bool = False
    only: tuple[str, ...] = ()
    built_on: BuiltOn = BuiltOn.REFUSE
