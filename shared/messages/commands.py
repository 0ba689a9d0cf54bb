"""Commands: a verb and identities, nothing else. The ledger holds the rest."""

from __future__ import annotations

from uuid import UUID

import msgspec

from shared.core.ids import BatchRef


class PlanRun(msgspec.Struct, frozen=True, kw_only=True, tag="plan-run.v1"):
    """Check, compile, snapshot, count and cut a run; one that is planned already gets a new snapshot."""

    run: UUID


class ExtractBatch(msgspec.Struct, frozen=True, kw_only=True, tag="extract-batch.v1"):
    """Read one batch in the run's snapshot."""

    batch: BatchRef


class FinishRun(msgspec.Struct, frozen=True, kw_only=True, tag="finish-run.v1"):
    """Every batch is settled: sequences, triggers, statistics, balance, final state."""

    run: UUID


class PlanUndo(msgspec.Struct, frozen=True, kw_only=True, tag="plan-undo.v1"):
    """Check whether a run can be undone, and cut the undo after its manifests."""

    run: UUID


class UndoBatch(msgspec.Struct, frozen=True, kw_only=True, tag="undo-batch.v1"):
    """Take back what one batch of the undone run wrote."""

    batch: BatchRef


class RemoveBatch(msgspec.Struct, frozen=True, kw_only=True, tag="remove-batch.v1"):
    """Find, or do with as the plan says, rows of the target that the source does not have any more."""

    batch: BatchRef
