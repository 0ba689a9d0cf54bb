"""Events: counts, states and names, no values. A lost event is harmless, the ledger is the truth."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from shared.core.counts import Counts
from shared.core.ids import BatchRef
from shared.core.states import RunState

BEAT_SECONDS: Final = 5.0
"""How often every service reports its health, unasked."""


class RunChanged(msgspec.Struct, frozen=True, kw_only=True, tag="run-changed.v1"):
    """A run entered a state. `reason` is an error code or empty."""

    run: UUID
    state: RunState
    reason: str = ""


class BatchSettled(msgspec.Struct, frozen=True, kw_only=True, tag="batch-settled.v1"):
    """A batch was settled, counts committed."""

    batch: BatchRef
    counts: Counts


class StageHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What one stage of one instance did since its last report. `busy_share` is 0 to 1 over all its workers.

    `queue_depth` counts the messages that wait in its queue, for all instances together; None where it is not known.
    """

    stage: str
    workers: int
    handled: int
    rows: int
    seconds: float
    busy_share: float
    queue_depth: int | None = None


class HealthReported(msgspec.Struct, frozen=True, kw_only=True, tag="health-reported.v1"):
    """One instance of a service lives: what it can reach, by name, and what its stages do. Sent every BEAT_SECONDS.

    `memory_bytes` is what the process holds, `cpu_share` the cores that it used since its last report, None in the
    first.
    """

    service: str
    instance: str
    version: str
    started_at: datetime
    connected: dict[str, bool]
    memory_bytes: int
    cpu_share: float | None = None
    stages: tuple[StageHealth, ...] = ()
