"""Errors whose class decides what happens next, each with a remedy for the operator.

Texts hold names, counts, sizes and SQLSTATEs, never a value of a row: the driver's own text stays in `__cause__`.
"""

from __future__ import annotations


class TransfuseError(Exception):
    """Base of all errors of this project.

    `code` is a stable snake_case word for machines; `remedy` one sentence that tells the operator what to do.
    """

    code = "error"
    remedy = "Look at the log of the service that reported it."

    def __init__(self, message: str, *, remedy: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        if remedy is not None:
            self.remedy = remedy
        if code is not None:
            self.code = code


class WorldError(TransfuseError):
    """Something outside is unreachable or exhausted: nothing is counted, the service waits and goes on by itself."""

    code = "world"
    remedy = "Bring the named system back; the run goes on by itself."


class BatchError(TransfuseError):
    """This attempt at a batch failed: the ledger counts it and issues the batch again, three times at most."""

    code = "batch"
    remedy = "The batch is tried again; if it fails three times, look at its reason and resume the run."


class RunError(TransfuseError):
    """The run cannot go on: our bug, or a contradiction that every batch would meet. Nothing is quarantined for it."""

    code = "run"
    remedy = "Mend what the message names, then resume the run."


class SnapshotLost(RunError):
    """The transaction that held the shared snapshot is gone; the run pauses and a resume takes a new one."""

    code = "snapshot_lost"
    remedy = "Resume the run: open batches are read from a new snapshot, settled ones stay."


class Refused(TransfuseError):
    """The request is refused before anything is written: a bad plan, a bad setting, a state that does not allow it."""

    code = "refused"
    remedy = "Correct what the message names and try again."


class SchemaDrifted(Refused):
    """A table is not what it was when the run was planned; the run pauses until it is again."""

    code = "schema_drifted"
    remedy = "Bring what is named back to what it was and resume, or cancel the run and start another."


class VersionDiffers(TransfuseError):
    """The run is pinned to other versions than this service's: its work is left to a service that has them."""

    code = "version_differs"
    remedy = "Start a service of the versions that the run is pinned to, or cancel the run and start another."

    def __init__(self, *, service: str, pinned: str, own: str) -> None:
        super().__init__(f"the run is pinned to {pinned}, and this {service} is of {own}")
        self.service = service
        self.pinned = pinned
        self.own = own


class SealBroken(TransfuseError):
    """A sealed body does not open under the key and the identity it claims to have."""

    code = "seal_broken"
    remedy = "Check that every service has the same ENCRYPTION_KEY list; a body that was altered is issued again."


class KeyNotListed(SealBroken):
    """A run's data key was wrapped by a key-encryption key that is not in ENCRYPTION_KEY any more."""

    code = "key_not_listed"
    remedy = "Put the key with the named id back into the ENCRYPTION_KEY list of every service."


class SettingsInvalid(Refused):
    """Variables are missing or bad; the text names every one of them with an example, and never a value."""

    code = "settings_invalid"
    remedy = "Set the named variables and start again."


class MessageUnreadable(TransfuseError):
    """Bytes on the bus are no message of this version: unknown type, broken body or beyond the size limit."""

    code = "message_unreadable"
    remedy = "Check that all services run the same version of Transfuse; the dispatcher issues the batch again."


class BusUnavailable(WorldError):
    """The bus cannot be reached, has no such queue, or did not confirm a message in time."""

    code = "bus_unavailable"
    remedy = "Bring RabbitMQ back, or give it room: memory, disk, queue length; the run goes on by itself."


class RedisUnavailable(WorldError):
    """Redis is not set up, cannot be reached, or did not answer in time: the asker does without it."""

    code = "redis_unavailable"
    remedy = "Bring Redis back; meanwhile limits count per process and sign-outs are looked up in the ledger."


class EmbeddedPostgresFailed(TransfuseError):
    """The PostgreSQL of the embedded mode cannot be made, started or stopped."""

    code = "embedded_postgres"
    remedy = "Look at the server's log, which the message names."
