"""The command line as its users have it: a process, its exit code and what it says."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from tests.harness.installation import ROOT, Installation

LONGEST_SECONDS = 110


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it said."""
        return self.out + self.err


@asynccontextmanager
async def started(
    installation: Installation, *words: str, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`transfuse WORDS…` while it runs; killed with all it started when it is left running."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "transfuse", *words),
        cwd=ROOT,
        env=installation.environment(**variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()


async def said(process: asyncio.subprocess.Process, seconds: float = LONGEST_SECONDS) -> Said:
    """Wait for the end of a started command."""
    async with asyncio.timeout(seconds):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Said(code=process.returncode, out=out.decode(), err=err.decode())


async def transfuse(installation: Installation, *words: str, **variables: str) -> Said:
    """Run `transfuse WORDS…` to its end."""
    async with started(installation, *words, **variables) as process:
        return await said(process)
