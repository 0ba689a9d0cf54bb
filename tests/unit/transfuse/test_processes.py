"""The services as processes, played by small programs of the same names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.core.errors import Refused
from transfuse import processes
from transfuse.processes import ServiceProcess, run_services
from transfuse.workspace import SERVICES

DIES = "raise SystemExit(3)"
REFUSES = "raise SystemExit(64)"
STAYS = """
import os, signal, sys
def stop(*_):
    print(os.environ["NAME"], file=open(os.environ["STOPPED"], "a"), flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
os.write(int(os.environ["READY"]), b".")
signal.pause()
"""
DEAF = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(int(os.environ["READY"]), b".")
while True:
    signal.pause()
"""

Play = Callable[[str], dict[str, dict[str, str]]]


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipe's place: every program that is ready writes one byte to it."""
    pipe = tmp_path / "ready"
    os.mkfifo(pipe)
    return pipe


@pytest.fixture
def play(tmp_path: Path, ready: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Let all five services be one program; their environments."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(processes, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(processes, "LONGEST_PAUSE_SECONDS", 0.02)
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "__init__.py").write_text("", encoding="ascii")

    def write(program: str) -> dict[str, dict[str, str]]:
        text = program.replace('int(os.environ["READY"])', f"os.open({str(ready)!r}, os.O_WRONLY)")
        for service in SERVICES:
            (tmp_path / "services" / f"{service}.py").write_text(text, encoding="utf-8")
        common = {"STOPPED": str(tmp_path / "stopped"), "PATH": os.environ["PATH"]}
        return {service: {**common, "NAME": service} for service in SERVICES}

    return write


async def readied(pipe: Path, count: int) -> None:
    """Wait until so many programs have said that they are ready."""

    def read() -> None:
        with pipe.open("rb", buffering=0) as file:
            for _ in range(count):
                while not file.read(1):
                    pass

    await asyncio.to_thread(read)


async def test_a_dead_service_is_started_again_with_growing_pauses_until_it_is_stopped(play: Play) -> None:
    said: list[str] = []
    third = asyncio.Event()

    def report(text: str) -> None:
        said.append(text)
        if len(said) == 3:
            third.set()

    process = ServiceProcess("loader", play(DIES)["loader"], report)
    async with asyncio.TaskGroup() as group:
        group.create_task(process.keep_alive())
        await third.wait()
        await process.stop(5)
    assert said[0] == "loader ended with 3; starting it again in 0.0 s"
    assert process.restarts >= 2
    assert process.pid is None


async def test_services_stop_upstream_first(play: Play, ready: Path, tmp_path: Path) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_services(play(STAYS), print, stop, 20))
        await readied(ready, len(SERVICES))
        stop.set()
    assert (tmp_path / "stopped").read_text(encoding="ascii").split() == list(SERVICES)


async def test_a_service_that_does_not_stop_in_time_is_killed(play: Play, ready: Path) -> None:
    said: list[str] = []
    process = ServiceProcess("loader", play(DEAF)["loader"], said.append)
    async with asyncio.TaskGroup() as group:
        group.create_task(process.keep_alive())
        await readied(ready, 1)
        await process.stop(0.05)
    assert said == ["loader did not stop within 0 s and is killed"]
    assert process.pid is None


async def test_a_stop_while_it_starts_leaves_nothing_running(play: Play) -> None:
    process = ServiceProcess("loader", play("import signal; signal.pause()")["loader"], print)
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(process.keep_alive())
        await asyncio.sleep(0)  # the start is under way
        await process.stop(20)
    assert keeper.done()
    assert process.pid is None


async def test_settings_that_a_service_refuses_end_them_all(play: Play) -> None:
    with pytest.raises(ExceptionGroup) as group:
        await run_services(play(REFUSES), print, asyncio.Event())
    leaf = group.value.exceptions[0]
    assert isinstance(leaf, Refused)
    assert leaf.code == "settings_invalid"
