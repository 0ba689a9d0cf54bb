"""A service for the tests: turns each command into rows, and pauses or dies where told."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from shared.bus.port import Bus, Queue
from shared.core.errors import TransfuseError
from shared.core.states import LoadMode
from shared.messages import ExtractBatch, Message, TransformBatch
from shared.runtime.failpoints import failpoint
from shared.runtime.process import run_process
from shared.runtime.service import Service
from shared.runtime.stage import Stage
from shared.settings.service import ServiceSettings, port


class EchoSettings(ServiceSettings, frozen=True, kw_only=True):
    port: Annotated[int | None, port(0)] = 0


async def echo(message: ExtractBatch) -> AsyncGenerator[Message, None]:
    await failpoint("echo.before_yield")
    yield TransformBatch(batch=message.batch, mode=LoadMode.INSERT, row_count=1, body=b"sealed")


async def on_failure(message: ExtractBatch, error: TransfuseError) -> None:
    raise error


@asynccontextmanager
async def build(settings: EchoSettings, bus: Bus) -> AsyncIterator[Service]:
    stage = Stage(name="extract", bus=bus, queue=Queue.EXTRACT, handler=echo, on_failure=on_failure, probe=bus.probe)
    yield Service("echo", [stage], port=settings.port, drain_seconds=settings.drain_seconds)


if __name__ == "__main__":
    sys.exit(run_process("echo", EchoSettings, build))
