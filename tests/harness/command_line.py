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
    installation: Installation, *words: str, typed: bool = False, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`transfuse WORDS…` while it runs; killed with all it started when it is left running.

    It has no input, unless something is going to be `typed`.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "transfuse", *words),
        cwd=ROOT,
        env=installation.environment(**variables),
        stdin=asyncio.subprocess.PIPE if typed else asyncio.subprocess.DEVNULL,
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


async def said(
    process: asyncio.subprocess.Process, seconds: float = LONGEST_SECONDS, *, typed: str | None = None
) -> Said:
    """Wait for the end of a started command, which is given `typed` first."""
    async with asyncio.timeout(seconds):
        out, err = await process.communicate(None if typed is None else typed.encode())
    assert process.returncode is not None
    return Said(code=process.returncode, out=out.decode(), err=err.decode())


async def heard(process: asyncio.subprocess.Process, words: str) -> list[str]:
    """The lines up to one that holds some words."""
    assert process.stdout is not None
    lines = []
    while line := (await process.stdout.readline()).decode():
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError("".join(lines))


async def transfuse(installation: Installation, *words: str, typed: str | None = None, **variables: str) -> Said:
    """Run `transfuse WORDS…` to its end; `typed` is its input."""
    async with started(installation, *words, typed=typed is not None, **variables) as process:
        return await said(process, typed=typed)
