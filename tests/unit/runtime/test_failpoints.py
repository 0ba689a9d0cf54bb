"""What failpoints promise: nothing unless asked for, and then exactly once at the named passage."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.core.errors import Refused
from shared.runtime import failpoints
from shared.runtime.failpoints import Action, FailpointReached, arm_from_environ, armed, failpoint

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import asyncio, os
from shared.runtime.failpoints import arm_from_environ, failpoint
arm_from_environ(os.environ)
async def main():
    for passage in range(1, 5):
        print(passage, flush=True)
        await failpoint("loader.before_commit")
asyncio.run(main())
"""


async def test_an_unarmed_step_does_nothing() -> None:
    await failpoint("loader.before_commit")


async def test_an_armed_step_fails_at_its_passage_and_only_then() -> None:
    with armed("loader.before_commit", Action.RAISE, nth=2) as point:
        await failpoint("loader.before_commit")
        await failpoint("loader.after_commit")
        with pytest.raises(FailpointReached):
            await failpoint("loader.before_commit")
        await failpoint("loader.before_commit")
        assert point.passed_count == 3
    await failpoint("loader.before_commit")


async def test_a_step_raises_the_error_that_the_test_chose() -> None:
    with armed("a.b", Action.RAISE, error=ConnectionError()), pytest.raises(ConnectionError):
        await failpoint("a.b")


async def test_a_step_pauses_until_it_may_go_on() -> None:
    with armed("a.b", Action.PAUSE) as point:
        async with asyncio.TaskGroup() as tasks:
            passing = tasks.create_task(failpoint("a.b"), name="pass")
            await point.reached.wait()
            assert not passing.done()
            point.go_on()


def test_a_process_is_killed_at_the_named_passage() -> None:
    environ = {"TRANSFUSE_FAILPOINTS": "1", "TRANSFUSE_FAILPOINT_LOADER_BEFORE_COMMIT": "kill:3"}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, cwd=ROOT, capture_output=True, check=False)
    assert (ran.returncode, ran.stdout.split()) == (-signal.SIGKILL, [b"1", b"2", b"3"])


def test_without_the_switch_no_variable_arms_anything() -> None:
    environ = {"TRANSFUSE_FAILPOINT_LOADER_BEFORE_COMMIT": "kill"}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, cwd=ROOT, capture_output=True, check=False)
    assert ran.returncode == 0


@pytest.mark.parametrize("text", ("explode", "kill:x", "kill:-1"))
def test_an_action_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="TRANSFUSE_FAILPOINT_A_B"):
        arm_from_environ({"TRANSFUSE_FAILPOINTS": "1", "TRANSFUSE_FAILPOINT_A_B": text})
    assert not failpoints._armed


def test_a_file_arms_a_step_of_running_processes_once_among_them(tmp_path: Path) -> None:
    environ = {"TRANSFUSE_FAILPOINTS": "1", "TRANSFUSE_FAILPOINTS_FOLDER": str(tmp_path)}
    (tmp_path / "loader.before_commit").write_text("kill:2", encoding="ascii")
    command = [sys.executable, "-c", PROGRAM]
    killed = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, check=False)
    assert (killed.returncode, killed.stdout.split()) == (-signal.SIGKILL, [b"1", b"2"])
    assert not list(tmp_path.iterdir())
    assert subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_a_process_halts_at_a_step_until_it_is_woken() -> None:
    environ = {"TRANSFUSE_FAILPOINTS": "1", "TRANSFUSE_FAILPOINT_LOADER_BEFORE_COMMIT": "stop:4"}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], env=environ, cwd=ROOT) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.wait() == 0
