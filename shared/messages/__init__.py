"""Everything that travels on the bus: a closed union of tagged Structs. Imports no I/O library."""

from __future__ import annotations

from shared.messages.commands import ExtractBatch, FinishRun, PlanRun, PlanUndo, RemoveBatch, UndoBatch
from shared.messages.data import LoadBatch, TransformBatch
from shared.messages.events import BatchSettled, HealthReported, RunChanged, StageHealth

Command = PlanRun | ExtractBatch | FinishRun | PlanUndo | UndoBatch | RemoveBatch
Data = TransformBatch | LoadBatch
Event = RunChanged | BatchSettled | HealthReported
Message = Command | Data | Event

__all__ = [
    "BatchSettled",
    "Command",
    "Data",
    "Event",
    "ExtractBatch",
    "FinishRun",
    "HealthReported",
    "LoadBatch",
    "Message",
    "PlanRun",
    "PlanUndo",
    "RemoveBatch",
    "RunChanged",
    "StageHealth",
    "TransformBatch",
    "UndoBatch",
]
