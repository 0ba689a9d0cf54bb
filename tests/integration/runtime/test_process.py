"""What a service's process promises: it stops on a signal, loses nothing when killed, and says what it lacks."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shared.bus.port import Queue
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import Topology
from shared.messages import TransformBatch
from tests.contract.bus.worlds import command, delete_topology

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 30.0
Start = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def bus(rabbitmq_url: str) -> AsyncIterator[RabbitBus]:
    topology = Topology(prefix=f"test-{secrets.token_hex(6)}")
    async with RabbitBus(rabbitmq_url, topology=topology) as made:
        await made.probe()
        yield made
    await delete_topology(rabbitmq_url, topology)


@pytest.fixture
async def start(rabbitmq_url: str, bus: RabbitBus) -> AsyncIterator[Start]:
    """Start the echo service over the test's queues."""
    started: list[asyncio.subprocess.Process] = []

    async def run(**variables: str) -> asyncio.subprocess.Process:
        environ = {"PATH": os.environ["PATH"], "RABBITMQ_URL": rabbitmq_url, "BUS_PREFIX": bus._topology.prefix}
        started.append(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.integration.runtime.echo_service"),
                cwd=ROOT,
                env={name: text for name, text in (environ | variables).items() if text},
                stderr=asyncio.subprocess.PIPE,
            )
        )
        return started[-1]

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process, event: str) -> dict[str, object]:
    """The log line with this event, as soon as it is written."""
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        while raw := await process.stderr.readline():
            told: dict[str, object] = json.loads(raw)
            if told["event"] == event:
                return told
    raise AssertionError(event)


async def echoed(bus: RabbitBus, count: int) -> set[int]:
    async with bus.consume(Queue.TRANSFORM, prefetch=count) as deliveries, asyncio.timeout(PATIENCE):
        seen: set[int] = set()
        while len(seen) < count:
            delivery = await anext(deliveries)
            assert isinstance(delivery.message, TransformBatch)
            seen.add(delivery.message.batch.seq)
            await delivery.ack()
        return seen


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
async def test_a_signal_drains_a_process_which_then_exits_with_0(
    start: Start, bus: RabbitBus, number: signal.Signals
) -> None:
    process = await start()
    assert (await line(process, "ready"))["service"] == "echo"
    await bus.publish(command(1))
    assert await echoed(bus, 1) == {1}
    process.send_signal(number)
    assert (await line(process, "stopping on a signal"))["signal"] == number.name
    assert await process.wait() == 0


async def test_a_second_signal_ends_a_process_that_does_not_finish(start: Start, bus: RabbitBus) -> None:
    process = await start(TRANSFUSE_FAILPOINTS="1", TRANSFUSE_FAILPOINT_ECHO_BEFORE_YIELD="pause")
    await line(process, "ready")
    await bus.publish(command(1))
    process.send_signal(signal.SIGTERM)
    await line(process, "draining")
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == 0


async def test_a_process_killed_in_the_middle_loses_nothing(start: Start, bus: RabbitBus) -> None:
    for seq in range(5):
        await bus.publish(command(seq))
    killed = await start(TRANSFUSE_FAILPOINTS="1", TRANSFUSE_FAILPOINT_ECHO_BEFORE_YIELD="kill:3")
    async with asyncio.timeout(PATIENCE):
        assert await killed.wait() == -signal.SIGKILL
    await start()
    assert await echoed(bus, 5) == set(range(5))


async def test_a_process_without_its_settings_names_them_and_exits_with_64(start: Start) -> None:
    process = await start(RABBITMQ_URL="", PORT="Xq7Canary")
    _, errors = await process.communicate()
    assert process.returncode == 64
    assert b"RABBITMQ_URL is missing" in errors
    assert b"PORT must be" in errors
    assert b"Xq7Canary" not in errors


async def test_a_process_that_cannot_log_in_fails_without_showing_the_password(start: Start, rabbitmq_url: str) -> None:
    place = urlsplit(rabbitmq_url)
    process = await start(RABBITMQ_URL=f"amqp://nobody:Xq7Canary@{place.hostname}:{place.port or 5672}/")
    async with asyncio.timeout(PATIENCE):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"bus_login" in errors
    assert b"Xq7Canary" not in errors


async def test_a_process_whose_port_is_taken_fails(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = await start(PORT=str(taken.getsockname()[1]))
        async with asyncio.timeout(PATIENCE):
            _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"the service failed" in errors
