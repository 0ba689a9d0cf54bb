"""What a failure of a statement on the legacy server means for the batch and the run."""

from __future__ import annotations

import asyncpg

from shared.core.errors import BatchError, Refused, RunError, SnapshotLost, TransfuseError
from shared.postgres.errors import DRIVER_ERRORS, Fault, fault_of, translate

STATEMENT_ERRORS = DRIVER_ERRORS
"""What the driver raises from a statement."""

TIMED_OUT, DENIED = "57014", "42501"
NO_SNAPSHOT = ("22023", "55000", "0A000")
UNKNOWN = ("42703", "42704", "42883", "42P01")
"""A column, a type, a function or a table that is not there: it was, when the run was planned."""


class Unknown(RunError):
    """The legacy server does not know a name of the statement."""

    code = "source_failed"


def source_error(error: Exception, doing: str) -> TransfuseError:
    """The error of ours for a failed statement; `doing` completes "the legacy server failed while …", names only."""
    state = getattr(error, "sqlstate", None)
    text = f"the legacy server failed while {doing} (SQLSTATE {state})"
    if state == TIMED_OUT:
        return BatchError(text, code="legacy_timeout", remedy="Use a smaller batch size, or a quieter hour.")
    if state == DENIED:
        remedy = "Run `transfuse preflight`: it prints the GRANT that is missing."
        return Refused(text, code="legacy_denied", remedy=remedy)
    if fault_of(error) is Fault.WORLD:
        return translate(error, "legacy", doing)
    remedy = "Correct the mapping's `from` or `key`, or the value that it meets: the legacy server refuses it."
    return (Unknown if state in UNKNOWN else RunError)(text, code="source_failed", remedy=remedy)


def snapshot_error(error: Exception) -> TransfuseError:
    """The error of ours for a refused SET TRANSACTION SNAPSHOT."""
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate in NO_SNAPSHOT:
        return SnapshotLost("the transaction that held the run's snapshot is gone")
    return source_error(error, "taking up the snapshot")
