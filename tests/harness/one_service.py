"""One service as a process of its own, whose surroundings are given to it variable by variable."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.harness.installation import PASSED_ON, ROOT
from tests.harness.ledger import until

STOP_SECONDS = 30


class OneService(msgspec.Struct, frozen=True, kw_only=True):
    """Where it listens for browsers, empty where it does not, and its process."""

    url: str
    pid: int


@asynccontextmanager
async def one_service(name: str, variables: Mapping[str, str], log: Path) -> AsyncIterator[OneService]:
    """A service that is ready; stopped at the end."""
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"services.{name}"),
            cwd=ROOT,
            env={**{name: os.environ[name] for name in PASSED_ON if name in os.environ}, **variables},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
        try:
            yield OneService(url=await _url(name, process, log), pid=process.pid)
        finally:
            await _stop(process)


def lines_of(log: Path) -> list[dict[str, Any]]:
    """What services have logged so far."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def url_in(lines: list[dict[str, Any]], service: str) -> str:
    """Where a service listens for browsers, as it says itself."""
    ports = [line["port"] for line in lines if line["event"] == "listening" and line["service"] == service]
    return f"http://127.0.0.1:{ports[-1]}"


async def _url(name: str, process: asyncio.subprocess.Process, log: Path) -> str:
    """Where it listens, once it is ready."""

    async def ready() -> bool:
        if process.returncode is not None:
            text = log.read_text(encoding="utf-8")
            raise RuntimeError(f"the {name} ended with {process.returncode}: {text[-2000:]}")
        return any(line["event"] == "ready" for line in lines_of(log))

    await until(ready)
    lines = lines_of(log)
    return url_in(lines, name) if any(line["event"] == "listening" for line in lines) else ""


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
