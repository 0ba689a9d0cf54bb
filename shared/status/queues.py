"""The work queues: what waits in them, what is being worked on, who takes from them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from shared.bus.port import Queue
from shared.core.document import Document
from shared.core.errors import WorldError
from shared.ledger.figures import LedgerFigures
from shared.messages import StageHealth
from shared.status.board import HealthBoard

ASK_SECONDS = 1.0
"""How long the bus is waited for: the other figures are of use without it."""
Depth = Callable[[Queue], Awaitable[int]]
"""`Bus.depth`."""


class QueueDocument(Document, frozen=True, kw_only=True):
    """One work queue.

    `depth` are the messages that wait in it as the broker counts them, without those that are handed out; None where
    the broker does not tell. `in_flight` is what the ledger shows before or in its stage, waiting or in hand: batches,
    for `plan` and `finish` runs. `consumers` are the instances that take from it, `workers` what they work with,
    `busy_share` how busy those are, 0 to 1; None without any.
    """

    name: str
    depth: int | None
    in_flight: int
    consumers: int
    workers: int
    busy_share: float | None


async def queues_of(board: HealthBoard, figures: LedgerFigures, depth: Depth) -> tuple[QueueDocument, ...]:
    """Every work queue, in the order of the pipeline. The bus is asked where no consumer reports how much waits."""
    stages = [stage for report in board.instances() for stage in report.stages]
    in_flight = {
        Queue.PLAN: figures.planning_runs,
        Queue.EXTRACT: figures.extracting,
        Queue.TRANSFORM: figures.transforming,
        Queue.LOAD: figures.loading,
        Queue.FINISH: figures.finishing_runs,
        Queue.UNDO: figures.undoing,
    }
    parts = {queue: [stage for stage in stages if stage.stage == queue.value] for queue in Queue}
    async with asyncio.TaskGroup() as tasks:
        asked = {
            queue: tasks.create_task(_depth(queue, parts[queue], depth), name=f"depth of {queue}") for queue in Queue
        }
    return tuple(_document(queue, parts[queue], asked[queue].result(), in_flight[queue]) for queue in Queue)


async def _depth(queue: Queue, stages: list[StageHealth], depth: Depth) -> int | None:
    reported = [stage.queue_depth for stage in stages if stage.queue_depth is not None]
    if reported:
        return max(reported)
    try:
        async with asyncio.timeout(ASK_SECONDS):
            return await depth(queue)
    except (WorldError, TimeoutError):
        return None


def _document(queue: Queue, stages: list[StageHealth], depth: int | None, in_flight: int) -> QueueDocument:
    workers = sum(stage.workers for stage in stages)
    return QueueDocument(
        name=queue.value,
        depth=depth,
        in_flight=in_flight,
        consumers=len(stages),
        workers=workers,
        busy_share=round(sum(stage.busy_share * stage.workers for stage in stages) / workers, 3) if workers else None,
    )
