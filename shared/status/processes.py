"""The processes of each service: how many live, what they use, what they are of."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.core.document import Document
from shared.messages import HealthReported
from shared.status.board import HealthBoard

SERVICES: Final = ("gateway", "extractor", "transformer", "loader", "notifier")
"""In the order of the pipeline, the doors first and last."""


class ServiceState(StrEnum):
    """`up`: it lives and reaches all it asks for. `degraded`: one instance does not. `down`: nobody hears of it."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


class ProcessesDocument(Document, frozen=True, kw_only=True):
    """The processes of one service, by their own reports, of the last seconds.

    `memory_bytes` is what they hold together (resident), `cpu_share` the cores that they use together: 1.0 is one. None
    where it is not known yet. Services that share a process, as in the embedded mode, each show all of it. `workers`
    are those of all stages, `busy_share` how busy they are, 0 to 1; None for services without stages. `version` names
    more than one, with commas, while an update goes on. `unreachable` are systems that an instance does not reach.
    """

    service: str
    state: ServiceState
    instances: int
    version: str
    memory_bytes: int
    cpu_share: float | None
    workers: int
    busy_share: float | None
    unreachable: tuple[str, ...]


def processes_of(board: HealthBoard) -> tuple[ProcessesDocument, ...]:
    """Every service there should be, also one that nobody hears of."""
    reports = board.instances()
    return tuple(_of_service(name, [one for one in reports if one.service == name]) for name in SERVICES)


def _of_service(service: str, reports: list[HealthReported]) -> ProcessesDocument:
    shares = [one.cpu_share for one in reports if one.cpu_share is not None]
    stages = [stage for one in reports for stage in one.stages]
    workers = sum(stage.workers for stage in stages)
    unreachable = sorted({system for one in reports for system, reached in one.connected.items() if not reached})
    return ProcessesDocument(
        service=service,
        state=_state(reports, unreachable),
        instances=len(reports),
        version=", ".join(sorted({one.version for one in reports})),
        memory_bytes=sum(one.memory_bytes for one in reports),
        cpu_share=round(sum(shares), 3) if shares else None,
        workers=workers,
        busy_share=round(sum(stage.busy_share * stage.workers for stage in stages) / workers, 3) if workers else None,
        unreachable=tuple(unreachable),
    )


def _state(reports: list[HealthReported], unreachable: list[str]) -> ServiceState:
    if not reports:
        return ServiceState.DOWN
    return ServiceState.DEGRADED if unreachable else ServiceState.UP
