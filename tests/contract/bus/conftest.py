"""The two buses under one set of promises."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.bus.port import Bus
from tests.contract.bus.worlds import MemoryWorld, RabbitWorld, World


@pytest.fixture(params=("memory", "rabbit"))
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    made: MemoryWorld | RabbitWorld
    made = MemoryWorld() if request.param == "memory" else RabbitWorld(request.getfixturevalue("rabbitmq_url"))
    yield made
    await made.close()


@pytest.fixture
def bus(world: World) -> Bus:
    return world.bus()
