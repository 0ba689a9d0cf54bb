"""Who lives and what they reach: the last report of every instance, forgotten when three are missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from shared.ledger.dispatch import DispatchOptions
from shared.messages import HealthReported, StageHealth
from shared.messages.events import BEAT_SECONDS
from shared.status.document import StageStatus

FORGOTTEN_AFTER_SECONDS = 3 * BEAT_SECONDS + 1
"""Three beats, and a second for the way."""
_FLOWING = ("extract", "transform", "load")


class HealthBoard:
    """Takes reports in any order and answers from those that are fresh. `clock` counts seconds and never goes back."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, window: int = DispatchOptions().total_window
    ) -> None:
        self._clock = clock
        self._window = window
        self._heard: dict[tuple[str, str], tuple[float, HealthReported]] = {}

    def note(self, report: HealthReported) -> None:
        """An instance reported."""
        self._heard[report.service, report.instance] = (self._clock(), report)

    def instances(self) -> tuple[HealthReported, ...]:
        """The last report of every instance that lives, by service and instance."""
        oldest = self._clock() - FORGOTTEN_AFTER_SECONDS
        self._heard = {key: heard for key, heard in self._heard.items() if heard[0] >= oldest}
        return tuple(report for _, (_, report) in sorted(self._heard.items(), key=lambda found: found[0]))

    def lives(self, service: str) -> bool:
        """Whether an instance of the service was heard of lately."""
        return any(report.service == service for report in self.instances())

    def reaches(self, system: str, *, service: str = "") -> bool:
        """Whether any instance, of one service or of all, reaches the system."""
        return any(
            report.connected.get(system, False)
            for report in self.instances()
            if not service or report.service == service
        )

    def away(self) -> tuple[str, ...]:
        """The systems that somebody asked and nobody reached."""
        reports = self.instances()
        asked = sorted({system for report in reports for system in report.connected})
        return tuple(system for system in asked if not any(report.connected.get(system, False) for report in reports))

    def stages(self) -> tuple[StageStatus, ...]:
        """The stages that rows flow through, in their order, each over all its instances."""
        found: dict[str, list[StageHealth]] = {}
        for report in self.instances():
            for stage in report.stages:
                found.setdefault(stage.stage, []).append(stage)
        return tuple(_together(name, found[name], self._window) for name in _FLOWING if name in found)


def _together(name: str, parts: Iterable[StageHealth], window: int) -> StageStatus:
    found = list(parts)
    workers = sum(part.workers for part in found)
    depths = [part.queue_depth for part in found if part.queue_depth is not None]
    return StageStatus(
        stage=name,
        workers=workers,
        rows_per_second=sum(part.rows / part.seconds for part in found if part.seconds > 0),
        busy_share=sum(part.busy_share * part.workers for part in found) / workers if workers else 0.0,
        queue_depth=max(depths, default=None),
        queue_limit=window,
    )
