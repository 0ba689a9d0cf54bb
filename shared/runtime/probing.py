"""Asks the systems around a service whether they answer, all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from shared.runtime.world import Probe

PROBE_SECONDS: Final = 5.0


async def ask(probes: Mapping[str, Probe]) -> dict[str, Exception | None]:
    """For each system the error with which it does not answer within 5 seconds, None for one that does."""
    async with asyncio.TaskGroup() as tasks:
        asked = {name: tasks.create_task(_failure(probe), name=f"probe {name}") for name, probe in probes.items()}
    return {name: task.result() for name, task in asked.items()}


async def _failure(probe: Probe) -> Exception | None:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe()
    except Exception as error:  # noqa: BLE001 - whatever it is, it does not answer
        return error
    return None
