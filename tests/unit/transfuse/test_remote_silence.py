"""What a watcher is told of a run that nobody takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.bus.memory import MemoryBus
from shared.core.errors import Refused
from shared.core.states import RunState
from shared.messages import HealthReported
from shared.status.document import RunStatus
from shared.status.status import never_ran_status
from transfuse import following
from transfuse.following import tell_silence
from transfuse.silence import LISTEN_SECONDS, reporting
from transfuse.workspace import SERVICES

AT = datetime(2026, 1, 2, tzinfo=UTC)
RUN = UUID(int=1)


class Runs:
    """A run in one state after the other, and what is said of the services."""

    def __init__(self, said: str | Refused, *states: RunState) -> None:
        self._said = said
        self._states = list(states)

    async def status(self, run: UUID) -> RunStatus:
        state = self._states.pop(0)
        found = never_ran_status(run, migration="m", plan="p", plan_version=1, now=AT)
        return RunStatus(**{**{name: getattr(found, name) for name in found.__struct_fields__}, "phase": state})

    async def silent(self) -> str:
        if isinstance(self._said, Refused):
            raise self._said
        return self._said


@pytest.mark.parametrize(
    ("said", "states", "told"),
    (
        ("Nobody.", (RunState.PENDING, RunState.PENDING), ["Nobody."]),
        ("Nobody.", (RunState.PLANNING, RunState.PLANNING), ["Nobody."]),
        ("Nobody.", (RunState.PENDING, RunState.RUNNING), []),
        ("Nobody.", (RunState.RUNNING,), []),
        ("", (RunState.PENDING, RunState.PENDING), []),
        (Refused("You may not ask that."), (RunState.PENDING,), []),
    ),
)
async def test_it_is_said_once_of_a_run_that_nobody_has_begun(
    monkeypatch: pytest.MonkeyPatch, said: str | Refused, states: Iterable[RunState], told: list[str]
) -> None:
    monkeypatch.setattr(following, "TAKEN_SECONDS", LISTEN_SECONDS)
    heard = list[str]()
    await tell_silence(Runs(said, *states), RUN, heard.append)  # type: ignore[arg-type]
    assert heard == told


async def test_who_reports_is_heard_and_nobody_else() -> None:
    async with MemoryBus() as bus, asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(reporting(bus, 20))
        while not listening.done():
            for service in SERVICES:
                await bus.publish(_report(service))
            await asyncio.sleep(0)
    assert listening.result() == set(SERVICES)
    async with MemoryBus() as bus:
        assert await reporting(bus, 0.05) == set()


def _report(service: str) -> HealthReported:
    return HealthReported(
        service=service, instance="here", version="0", started_at=AT, connected={}, memory_bytes=1, stages=()
    )
