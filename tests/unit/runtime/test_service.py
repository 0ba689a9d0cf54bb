"""What a service's life promises: start, ready, drain, stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from shared.core.errors import RunError, WorldError
from shared.runtime.service import Loop, Service

PATIENCE = 10.0


async def until_drained(draining: asyncio.Event) -> None:
    await draining.wait()


async def for_ever(_draining: asyncio.Event) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def living(service: Service) -> AsyncIterator[asyncio.Task[None]]:
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(service.run(), name="run")
        await service.ready()
        yield running
        await service.stop()


async def answer(service: Service, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{service.port}{path}") as response,
    ):
        return response.status, await response.text()


async def test_a_service_answers_on_its_port_while_it_lives() -> None:
    service = Service("loader", [Loop("work", until_drained)], port=0)
    async with living(service):
        assert (await answer(service, "/healthz"))[0] == 200
        assert (await answer(service, "/readyz"))[0] == 200
        status, metrics = await answer(service, "/metrics")
        assert status == 200
        assert 'transfuse_ready{service="loader"} 1.0' in metrics
    with pytest.raises(aiohttp.ClientConnectionError):
        await answer(service, "/healthz")


async def test_services_of_one_process_need_no_port() -> None:
    one, other = Service("loader", [Loop("work", until_drained)]), Service("gateway", [Loop("work", until_drained)])
    async with living(one), living(other):
        assert one.port is None


async def test_readiness_names_what_does_not_answer() -> None:
    async def fail() -> None:
        raise WorldError("Xq7Canary")

    async def succeed() -> None:
        return

    probes = {"target": fail, "bus": succeed}
    service = Service("loader", [Loop("work", until_drained)], probes=probes, port=0)
    async with living(service):
        status, body = await answer(service, "/readyz")
        assert status == 503
        assert "Xq7Canary" not in body
        assert await service.check() == {"taking work": True, "work": True, "target": False, "bus": True}
        assert (await answer(service, "/healthz"))[0] == 200


async def test_a_drain_lets_the_parts_finish() -> None:
    finished = []

    async def work(draining: asyncio.Event) -> None:
        await draining.wait()
        await asyncio.sleep(0)
        finished.append("work")

    service = Service("loader", [Loop("work", work)])
    async with living(service) as running:
        await service.drain()
        assert finished == ["work"]
        await running


async def test_a_part_that_does_not_finish_in_time_is_cancelled() -> None:
    service = Service("loader", [Loop("work", for_ever)], drain_seconds=0.05)
    async with living(service) as running:
        await service.drain()
        await running


async def test_a_part_that_is_not_ready_does_not_delay_a_drain() -> None:
    service = Service("loader", [Loop("work", for_ever)], drain_seconds=600)
    async with living(service) as running:
        service.parts[0].ready.clear()
        await service.drain()
        await running


async def test_a_failing_part_ends_its_service_and_cancels_the_others() -> None:
    broken = asyncio.Event()

    async def breaking(_draining: asyncio.Event) -> None:
        await broken.wait()
        raise RunError("broken")

    service = Service("loader", [Loop("breaking", breaking), Loop("work", for_ever)])
    running = asyncio.ensure_future(service.run())
    await service.ready()
    broken.set()
    with pytest.raises(ExceptionGroup) as caught:
        await running
    assert caught.group_contains(RunError, match="broken")
    await service.drain()
    await service.stop()


async def test_a_part_that_ends_by_itself_is_a_failure() -> None:
    async def nothing(_draining: asyncio.Event) -> None:
        await asyncio.sleep(0)

    service = Service("loader", [Loop("work", nothing)])
    with pytest.raises(ExceptionGroup) as caught:
        await service.run()
    assert caught.group_contains(RunError, match="ended by itself")


async def test_a_service_that_ends_before_it_is_ready_says_so() -> None:
    class Never:
        name = "never"
        ready = asyncio.Event()

        async def run(self) -> None:
            raise WorldError("away")

        def drain(self) -> None:
            return

    service = Service("loader", [Never()])
    running = asyncio.ensure_future(service.run())
    with pytest.raises(RunError, match="before it was ready"):
        await service.ready()
    with pytest.raises(ExceptionGroup):
        await running


async def test_stopping_or_draining_what_never_ran_returns_at_once() -> None:
    service = Service("loader", [Loop("work", until_drained)])
    await service.drain()
    await service.stop()


async def test_a_taken_port_is_an_error_and_stop_returns() -> None:
    first = Service("loader", [Loop("work", until_drained)], port=0)
    async with living(first):
        second = Service("gateway", [Loop("work", until_drained)], port=first.port)
        with pytest.raises(OSError, match="address already in use"):
            await second.run()
        await second.stop()
