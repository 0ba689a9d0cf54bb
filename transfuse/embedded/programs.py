"""PostgreSQL's programs as subprocesses: never in our process group, never as root, never waiting for ever."""

import asyncio
import os
from pathlib import Path
from signal import SIGKILL

from shared.core.errors import EmbeddedPostgresFailed
from transfuse.embedded.identity import Identity

KEPT_VARIABLES = ("PATH", "TMPDIR", "SystemRoot")


async def run_program(program: Path, *arguments: str, identity: Identity, timeout_seconds: float) -> int:
    """Exit code of one program; its output is dropped, because it may quote what it was given.

    Raises EmbeddedPostgresFailed if it cannot be started or does not end in time. Runs in a session of its own: an
    interrupt at the terminal reaches this process only, which then stops the server in order.
    """
    environ = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | {"LC_ALL": "C"}
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd="/",
            env=environ,
            umask=0o077,
            start_new_session=True,
            **identity.of_subprocess(),
        )
    except OSError as error:
        text = f"{program.name} cannot be started"
        raise EmbeddedPostgresFailed(text, remedy=f"Check that {program} exists and runs on this machine.") from error
    try:
        async with asyncio.timeout(timeout_seconds):
            return await process.wait()
    except TimeoutError as error:
        text = f"{program.name} did not end within {timeout_seconds:.0f} s"
        raise EmbeddedPostgresFailed(text, remedy="Look whether the disk is slow or the machine overloaded.") from error
    finally:
        if process.returncode is None:
            os.killpg(process.pid, SIGKILL)
            await process.wait()
