"""Who works on a run: services elsewhere that share the broker, another process of this workspace, or this one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from shared.telemetry.logging import configure
from transfuse.operator import service_environments
from transfuse.ports import free_port
from transfuse.workspace import Workspace


@asynccontextmanager
async def workers(
    workspace: Workspace, *, in_process: bool = False, api_port: int | None = None
) -> AsyncIterator[bool]:
    """Have somebody work on the runs of this workspace's ledger; whether it is this process.

    With RABBITMQ_URL the started services do it. Without, the five services run in this process over the in-process
    bus, unless another process of the workspace does so already; with `in_process` whatever RABBITMQ_URL says. The API
    is served only with `api_port`.
    """
    environments = service_environments(workspace)
    if environments["gateway"].get("RABBITMQ_URL") and not in_process:
        yield False
        return
    with alone(workspace) as is_alone:
        if not is_alone:
            yield False
            return
        from transfuse.pipeline import Served, pipeline  # noqa: PLC0415 - what it takes to load, only who works waits for

        served = None if api_port is None else Served(api_port=api_port, loader_port=free_port())
        with logging_to(workspace.home / "services.log"):
            async with pipeline(environments, served=served):
                yield True


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Send the services' log lines to a file that only its owner reads: the terminal is the operator's."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8", buffering=1) as file:
        configure(level=os.environ.get("LOG_LEVEL", "info"), stream=file)
        try:
            yield
        finally:
            configure(level="warning")


@contextmanager
def alone(workspace: Workspace) -> Iterator[bool]:
    """Hold the workspace's lock of the in-process services; False where another process holds it."""
    workspace.home.mkdir(parents=True, exist_ok=True)
    with (workspace.home / "services.lock").open("a", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
