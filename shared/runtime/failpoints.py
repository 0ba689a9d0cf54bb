"""Named steps at which a test makes a process die, fail or halt.

    await failpoint("loader.before_commit")

Off unless TRANSFUSE_FAILPOINTS=1. Then `TRANSFUSE_FAILPOINT_LOADER_BEFORE_COMMIT=kill:3` kills the process the third
time it comes by; `raise`, `pause` and `stop` likewise. In the folder that TRANSFUSE_FAILPOINTS_FOLDER names, a file
`loader.before_commit` that holds `kill:3` arms the step while processes run: whoever comes by the third time removes
the file and acts, once among all. Tests within the process use `armed`.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

from shared.core.errors import Refused

_PREFIX: Final = "TRANSFUSE_FAILPOINT_"


class Action(StrEnum):
    """What happens at a failpoint."""

    KILL = "kill"
    RAISE = "raise"
    PAUSE = "pause"
    STOP = "stop"
    """The whole process halts, as by SIGSTOP, until somebody sends it SIGCONT."""


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
            case Action.STOP:
                os.kill(os.getpid(), signal.SIGSTOP)
            case Action.RAISE:
                raise self._error or FailpointReached(name)
            case Action.PAUSE:
                await self._going_on.wait()


class FailpointFolder:
    """Steps armed by files, which any process of an installation may remove."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._passed: Counter[str] = Counter()

    def taken(self, name: str) -> Failpoint | None:
        """What this process has to do at a step, now. Raises Refused for an action that does not exist."""
        file = self._path / name
        try:
            action, nth = _read(name, file.read_text(encoding="ascii"))
        except FileNotFoundError:
            del self._passed[name]
            return None
        self._passed[name] += 1
        if self._passed[name] < nth:
            return None
        try:
            file.unlink()
        except FileNotFoundError:
            return None  # another process was first
        return Failpoint(action)


_armed: dict[str, Failpoint] = {}
_folders: list[FailpointFolder] = []


async def failpoint(name: str) -> None:
    """Name a step, `service.step`. Nothing happens unless it is armed."""
    if _armed and (point := _armed.get(_key(name))) is not None:
        await point.passing(name)
    for folder in _folders:
        if (point := folder.taken(name)) is not None:
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
    """Arm what TRANSFUSE_FAILPOINT_* names and heed the folder, if TRANSFUSE_FAILPOINTS=1.

    Raises Refused for an action that does not exist.
    """
    if environ.get("TRANSFUSE_FAILPOINTS") != "1":
        return
    for variable, text in environ.items():
        if variable.startswith(_PREFIX):
            action, nth = _read(variable, text)
            _armed[variable.removeprefix(_PREFIX)] = Failpoint(action, nth=nth)
    if (folder := environ.get("TRANSFUSE_FAILPOINTS_FOLDER")) is not None:
        _folders.append(FailpointFolder(Path(folder)))


def _read(where: str, text: str) -> tuple[Action, int]:
    """An action and at which passage it happens."""
    action, _, nth = text.partition(":")
    if action not in set(Action) or not (nth or "1").isdigit():
        raise Refused(f"{where} must be kill, raise, pause or stop, with :n for the n-th time")
    return Action(action), int(nth or "1")


def _key(name: str) -> str:
    return name.upper().replace(".", "_")
