"""Events: counts, states and names, no values. A lost event is harmless, the ledger is the truth."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.core.counts import Counts
from shared.core.ids import BatchRef
from shared.core.states import RunState


class RunChanged(msgspec.Struct, frozen=True, kw_only=True, tag="run-changed.v1"):
    """A run entered a state. `reason` is an error code or empty."""

    run: UUID
    state: RunState
    reason: str = ""


class BatchSettled(msgspec.Struct, frozen=True, kw_only=True, tag="batch-settled.v1"):
    """A batch was settled, counts committed."""

    batch: BatchRef
    counts: Counts


class HealthReported(msgspec.Struct, frozen=True, kw_only=True, tag="health-reported.v1"):
    """One service's answer to `CheckHealth`: what it can reach, by name."""

    request: UUID
    service: str
    connected: dict[str, bool]
