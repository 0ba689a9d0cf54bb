"""Exchanges and queues by name, their limits, and which message goes where.

| object      | kind   | use |
|-------------|--------|-----|
| `tf.work`   | direct | to `tf.plan tf.extract tf.transform tf.load tf.finish tf.undo` |
| `tf.dead`   | quorum | dead letters of every work queue |
| `tf.events` | topic  | counts, states, names; one exclusive queue per subscriber |
"""

from __future__ import annotations

from typing import Final

import msgspec

from shared.bus.port import Queue
from shared.messages import (
    ExtractBatch,
    FinishRun,
    LoadBatch,
    Message,
    PlanRun,
    PlanUndo,
    RemoveBatch,
    TransformBatch,
    UndoBatch,
)

_MIB: Final = 1024 * 1024
_BODY_QUEUES: Final = frozenset({Queue.TRANSFORM, Queue.LOAD})


_QUEUES: Final[dict[type, Queue]] = {
    PlanRun: Queue.PLAN,
    ExtractBatch: Queue.EXTRACT,
    TransformBatch: Queue.TRANSFORM,
    LoadBatch: Queue.LOAD,
    FinishRun: Queue.FINISH,
    PlanUndo: Queue.UNDO,
    UndoBatch: Queue.UNDO,
    RemoveBatch: Queue.UNDO,
}


def queue_of(message: Message) -> Queue | None:
    """The work queue of a command or of rows; None for an event, which goes to every subscriber."""
    return _QUEUES.get(type(message))


class Topology(msgspec.Struct, frozen=True, kw_only=True):
    """Names under one prefix, and the limits of the queues.

    A message that came back more than `delivery_limit` times becomes a dead letter. A full queue refuses messages, so
    that the stage before it waits; a slow subscriber loses events beyond `event_backlog`.
    """

    prefix: str = "tf"
    delivery_limit: int = 20
    command_bytes: int = 16 * _MIB
    body_bytes: int = 512 * _MIB
    dead_bytes: int = 1024 * _MIB
    event_backlog: int = 10_000

    @property
    def work(self) -> str:
        """Direct exchange of commands and rows."""
        return f"{self.prefix}.work"

    @property
    def events(self) -> str:
        """Topic exchange of events."""
        return f"{self.prefix}.events"

    @property
    def dead(self) -> str:
        """Queue of the dead letters of every work queue."""
        return f"{self.prefix}.dead"

    def queue(self, queue: Queue) -> str:
        """Full name of a work queue."""
        return f"{self.prefix}.{queue.value}"

    def most_bytes(self, queue: Queue) -> int:
        """What a work queue holds before it refuses more."""
        return self.body_bytes if queue in _BODY_QUEUES else self.command_bytes

    def work_arguments(self, queue: Queue) -> dict[str, str | int]:
        """Arguments of a work queue. Never `x-max-priority`: quorum queues of 3.10 refuse it."""
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": self.delivery_limit,
            "x-max-length-bytes": self.most_bytes(queue),
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.dead,
            "x-dead-letter-strategy": "at-least-once",
        }

    def dead_arguments(self) -> dict[str, str | int]:
        """Arguments of the queue of dead letters."""
        return {"x-queue-type": "quorum", "x-max-length-bytes": self.dead_bytes, "x-overflow": "reject-publish"}

    def event_arguments(self) -> dict[str, str | int]:
        """Arguments of a subscriber's own queue, which goes with its connection."""
        return {"x-max-length": self.event_backlog, "x-overflow": "drop-head"}
