"""Who works on a run: services elsewhere that share the broker, another process of this workspace, or this one."""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from transfuse.operator import service_environments
from transfuse.pipeline import pipeline
from transfuse.workspace import Workspace


@asynccontextmanager
async def workers(workspace: Workspace) -> AsyncIterator[bool]:
    """Have somebody work on the runs of this workspace's ledger; whether it is this process.

    With RABBITMQ_URL the started services do it. Without, the five services run in this process over the in-process
    bus, unless another process of the workspace does so already.
    """
    environments = service_environments(workspace)
    if environments["gateway"].get("RABBITMQ_URL"):
        yield False
        return
    with alone(workspace) as is_alone:
        if not is_alone:
            yield False
            return
        async with pipeline(environments):
            yield True


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
