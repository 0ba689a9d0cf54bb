"""The board of health: who lives, what they reach, what the stages do."""

from __future__ import annotations

from typing import Any

import pytest

from shared.messages import HealthReported, StageHealth
from shared.status.board import FORGOTTEN_AFTER_SECONDS, HealthBoard
from tests.harness.snapshots import STARTED


class Clock:
    """Seconds as the test says."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def report(service: str, instance: str = "one", **fields: Any) -> HealthReported:  # noqa: ANN401 - fields of any type
    given: dict[str, Any] = {"connected": {}, **fields}
    return HealthReported(service=service, instance=instance, version="1", started_at=STARTED, memory_bytes=1, **given)


def stage(name: str, **fields: Any) -> StageHealth:  # noqa: ANN401 - fields of any type
    given: dict[str, Any] = {"workers": 2, "handled": 1, "rows": 50, "seconds": 5.0, "busy_share": 0.5, **fields}
    return StageHealth(stage=name, **given)


def test_an_instance_is_forgotten_when_three_beats_are_missing() -> None:
    clock = Clock()
    board = HealthBoard(clock=clock)
    board.note(report("loader"))
    clock.now = FORGOTTEN_AFTER_SECONDS
    board.note(report("extractor"))
    assert board.lives("loader")
    clock.now += 0.1
    assert not board.lives("loader")
    assert board.lives("extractor")
    assert [found.service for found in board.instances()] == ["extractor"]


def test_a_system_is_reached_when_one_instance_reaches_it_and_away_when_none_does() -> None:
    board = HealthBoard()
    assert board.away() == ()
    board.note(report("loader", "one", connected={"target": False, "bus": False}))
    board.note(report("loader", "two", connected={"target": True, "bus": False}))
    assert board.reaches("target", service="loader")
    assert not board.reaches("target", service="extractor")
    assert not board.reaches("legacy")
    assert board.away() == ("bus",)


def test_stages_are_told_in_their_order_over_all_instances() -> None:
    board = HealthBoard(window=32)
    board.note(report("loader", "one", stages=(stage("load", queue_depth=3), stage("finish"))))
    board.note(report("loader", "two", stages=(stage("load", workers=1, busy_share=1.0, rows=20),)))
    board.note(report("extractor", stages=(stage("extract"), stage("plan"))))
    extract, load = board.stages()
    assert (extract.stage, load.stage) == ("extract", "load")
    assert (load.workers, load.rows_per_second, load.queue_depth, load.queue_limit) == (3, 14.0, 3, 32)
    assert load.busy_share == pytest.approx(2 / 3)
