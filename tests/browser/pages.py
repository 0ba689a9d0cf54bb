"""Runs what `dashboard/e2e` says in a browser, against a stack."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import msgspec

from tests.browser.programs import DASHBOARD, VITEST, chromium, node
from tests.browser.stack import Stack

LONGEST_SECONDS = 900
"""Of all pages together, on a machine that does something else besides."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it, and what was said."""

    code: int
    text: str


async def look(stack: Stack, folder: Path, *, files: str | None = None, **variables: str) -> Seen:
    """Run the files of that pattern, all tests unless one is given. Raises ProgramMissingError."""
    browser = chromium()
    process = await asyncio.create_subprocess_exec(
        *(node(), VITEST, "run", "--config", "e2e/vitest.config.ts", "--reporter", "verbose"),
        cwd=DASHBOARD,
        env={
            **os.environ,
            **variables,
            **({} if files is None else {"TRANSFUSE_E2E": files}),
            "NO_COLOR": "1",
            "TRANSFUSE_CHROMIUM": str(browser),
            "TRANSFUSE_STACK": str(stack.written(folder)),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    assert process.returncode is not None
    return Seen(code=process.returncode, text=said.decode(errors="replace"))
