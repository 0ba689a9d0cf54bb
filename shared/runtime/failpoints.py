"""Named steps at which a test makes a process die, fail or halt.

    await failpoint("loader.before_commit")

Off unless TRANSFUSE_FAILPOINTS=1. Then `TRANSFUSE_FAILPOINT_LOADER_BEFORE_COMMIT=kill:3` kills the process the third
time it comes by; `raise` and `pause` likewise. Tests within the process use `armed`.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from shared.core.errors import Refused

_PREFIX: Final = "TRANSFUSE_FAILPOINT_"


class Action(StrEnum):
    """What happens at a failpoint."""

    KILL = "kill"
    RAISE = "raise"
    PAUSE = "pause"


class FailpointReached(Exception):
    """What a failpoint raises: an exception that nobody expects."""


class Failpoint:
    """An armed step. It acts once, at the `nth` passage."""

    def __init__(self, action: Action, *, nth: int = 1, error: BaseException | None = None) -> None:
        self._action = action
        self._nth = nth
        self._error = error
        self._going_on = asyncio.Event()
        self.passed_count = 0
        self.reached = asyncio.Event()

    def go_on(self) -> None:
        """Let the step that pauses here go on."""
        self._going_on.set()

    async def passing(self, name: str) -> None:
        """Act if it is time."""
        self.passed_count += 1
        if self.passed_count != self._nth:
            return
        self.reached.set()
        match self._action:
            case Action.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Action.RAISE:
                raise self._error or FailpointReached(name)
            case Action.PAUSE:
                await self._going_on.wait()


_armed: dict[str, Failpoint] = {}


async def failpoint(name: str) -> None:
    """Name a step, `service.step`. Nothing happens unless it is armed."""
    if _armed and (point := _armed.get(_key(name))) is not None:
        await point.passing(name)


@contextmanager
def armed(name: str, action: Action, *, nth: int = 1, error: BaseException | None = None) -> Iterator[Failpoint]:
    """Arm a step of this process for the length of the `with`; `error` is raised instead of FailpointReached."""
    point = _armed[_key(name)] = Failpoint(action, nth=nth, error=error)
    try:
        yield point
    finally:
        del _armed[_key(name)]
        point.go_on()


def arm_from_environ(environ: Mapping[str, str]) -> None:
    """Arm what TRANSFUSE_FAILPOINT_* names, if TRANSFUSE_FAILPOINTS=1; Refused for an action that does not exist."""
    if environ.get("TRANSFUSE_FAILPOINTS") != "1":
        return
    for variable, text in environ.items():
        if variable.startswith(_PREFIX):
            action, _, nth = text.partition(":")
            if action not in set(Action) or not (nth or "1").isdigit():
                raise Refused(f"{variable} must be kill, raise or pause, with :n for the n-th time")
            _armed[variable.removeprefix(_PREFIX)] = Failpoint(Action(action), nth=int(nth or "1"))


def _key(name: str) -> str:
    return name.upper().replace(".", "_")
