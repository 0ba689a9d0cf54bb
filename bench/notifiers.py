"""Notifiers as processes of their own, on one ledger, with real RabbitMQ and Redis."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from tests.harness.installation import PASSED_ON, ROOT
from tests.harness.ledger import until

STOP_SECONDS = 30


class Notifier(msgspec.Struct, frozen=True, kw_only=True):
    """Where its sockets are, and its process."""

    url: str
    pid: int


@asynccontextmanager
async def notifiers(count: int, variables: Mapping[str, str], folder: Path) -> AsyncIterator[list[Notifier]]:
    """So many, ready; stopped at the end."""
    async with AsyncExitStack() as stack:
        logs = [folder / f"notifier-{number}.log" for number in range(count)]
        yield [await stack.enter_async_context(_notifier(variables, log)) for log in logs]


@asynccontextmanager
async def _notifier(variables: Mapping[str, str], log: Path) -> AsyncIterator[Notifier]:
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.notifier"),
            cwd=ROOT,
            env={**{name: os.environ[name] for name in PASSED_ON if name in os.environ}, **variables},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
        try:
            yield Notifier(url=f"http://127.0.0.1:{await _port(process, log)}", pid=process.pid)
        finally:
            await _stop(process)


async def _port(process: asyncio.subprocess.Process, log: Path) -> int:
    async def ready() -> bool:
        if process.returncode is not None:
            raise RuntimeError(f"a notifier ended with {process.returncode}: {_text(log)[-2000:]}")
        return any(line["event"] == "ready" for line in _lines(log))

    await until(ready)
    return next(int(line["port"]) for line in _lines(log) if line["event"] == "listening")


def _lines(log: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in _text(log).splitlines() if line.startswith("{") and line.endswith("}")]


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
