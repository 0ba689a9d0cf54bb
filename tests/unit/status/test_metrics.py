"""The figures of the installation: its queues and the processes of its services."""

from __future__ import annotations

from shared.bus.port import Queue
from shared.core.errors import WorldError
from shared.ledger.figures import LedgerFigures
from shared.runtime.processor import Processor
from shared.status.board import HealthBoard
from shared.status.processes import ServiceState, processes_of
from shared.status.queues import queues_of
from tests.unit.status.test_board import report, stage

FIGURES = LedgerFigures(
    active_runs=3,
    completed_runs=0,
    failed_runs=0,
    batches_in_flight=6,
    planning_runs=1,
    finishing_runs=2,
    extracting=1,
    transforming=2,
    loading=3,
)


async def silent(_: Queue) -> int:
    raise WorldError("the broker is away")


async def of_nobody(queue: Queue) -> int:
    """What the broker says of queues that no consumer tells of."""
    assert queue in {Queue.PLAN, Queue.TRANSFORM, Queue.FINISH, Queue.UNDO}
    return 7


async def test_a_queue_has_what_waits_what_is_in_flight_and_who_takes_from_it() -> None:
    board = HealthBoard()
    board.note(report("loader", "one", stages=(stage("load", queue_depth=4), stage("finish", workers=1))))
    board.note(report("loader", "two", stages=(stage("load", queue_depth=3, busy_share=1.0),)))
    board.note(report("extractor", stages=(stage("extract", queue_depth=0),)))
    found = {queue.name: queue for queue in await queues_of(board, FIGURES, of_nobody)}
    assert list(found) == ["plan", "extract", "transform", "load", "finish", "undo"]
    load, transform = found["load"], found["transform"]
    assert (load.depth, load.in_flight, load.consumers, load.workers, load.busy_share) == (4, 3, 2, 4, 0.75)
    assert (transform.depth, transform.in_flight, transform.consumers, transform.busy_share) == (7, 2, 0, None)
    assert [queue.in_flight for queue in found.values()] == [1, 1, 2, 3, 2, 0]


async def test_while_the_broker_is_away_the_ledger_still_says_what_is_in_flight() -> None:
    found = await queues_of(HealthBoard(), FIGURES, silent)
    assert {queue.depth for queue in found} == {None}
    assert sum(queue.in_flight for queue in found) == 9


def test_the_processes_of_a_service_are_summed_up() -> None:
    board = HealthBoard()
    board.note(report("loader", "one", stages=(stage("load", workers=3, busy_share=1.0),), cpu_share=0.5))
    board.note(report("loader", "two", stages=(stage("load", workers=1, busy_share=0.0),), cpu_share=0.25))
    loader = processes_of(board)[3]
    assert (loader.service, loader.state, loader.instances) == ("loader", ServiceState.UP, 2)
    assert (loader.memory_bytes, loader.cpu_share, loader.version) == (2, 0.75, "1")
    assert (loader.workers, loader.busy_share) == (4, 0.75)


def test_a_service_that_nobody_hears_of_is_down_and_one_that_misses_a_system_is_degraded() -> None:
    board = HealthBoard()
    board.note(report("loader", "one", connected={"target": True}))
    board.note(report("loader", "two", connected={"target": False}))
    board.note(report("notifier", connected={"bus": True}))
    found = {one.service: one for one in processes_of(board)}
    assert list(found) == ["gateway", "extractor", "transformer", "loader", "notifier"]
    assert (found["loader"].state, found["loader"].unreachable) == (ServiceState.DEGRADED, ("target",))
    assert found["notifier"].state is ServiceState.UP
    assert (found["extractor"].state, found["extractor"].instances) == (ServiceState.DOWN, 0)
    assert (found["notifier"].cpu_share, found["notifier"].busy_share) == (None, None)


def test_the_share_of_a_processor_is_of_the_time_since_it_was_last_asked() -> None:
    used, clock = iter((1.0, 3.0, 3.0)), iter((10.0, 14.0, 16.0))
    processor = Processor(used=lambda: next(used), clock=lambda: next(clock))
    assert [processor.take() for _ in range(3)] == [None, 0.5, 0.0]
