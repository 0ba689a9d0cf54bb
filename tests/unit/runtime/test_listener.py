"""A listener, and clients that do not speak HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from shared.core.errors import Refused
from shared.runtime import listener as module
from shared.runtime.listener import Listener

LONG = 32 * 1024 * 1024
"""More than the system keeps for a client that does not read."""


@asynccontextmanager
async def listening(
    entered: asyncio.Event | None = None, release: asyncio.Event | None = None
) -> AsyncIterator[Listener]:
    app = web.Application()

    async def answer(request: web.Request) -> web.Response:
        if entered is not None and release is not None:
            entered.set()
            await release.wait()
        return web.Response(text="answer")

    async def answer_at_length(request: web.Request) -> web.Response:
        return web.Response(body=bytes(LONG))

    app.router.add_get("/", answer)
    app.router.add_get("/long", answer_at_length)
    listener = Listener("api", app, host="127.0.0.1", port=0)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(listener.run())
        await listener.ready.wait()
        yield listener
        listener.drain()


async def said(port: int, text: bytes) -> bytes:
    """What is answered to `text` until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(text)
        await writer.drain()
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("text", (b"\x16\x03\x01\x02 no http\r\n\r\n", b"GET secret-value HTTP/9.9\r\n\r\n"))
async def test_what_is_no_http_is_answered_without_software_and_without_repeating_it(text: bytes) -> None:
    async with listening() as listener:
        answer = await said(listener.port, text)
    assert answer.startswith(b"HTTP/1.")
    assert b" 400 " in answer.partition(b"\r\n")[0]
    assert b"Server:" not in answer
    assert b"aiohttp" not in answer
    assert b"secret-value" not in answer
    assert b"Content-Security-Policy" in answer


async def test_a_connection_that_sends_no_request_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_REQUEST_SECONDS", 0.05)
    async with listening() as listener, asyncio.timeout(5):
        assert await said(listener.port, b"") == b""
        assert await said(listener.port, b"GET / HTTP/1.1\r\nHost: a\r\n") == b""


async def test_a_client_that_takes_nothing_of_its_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALLED_SECONDS", 0.05)
    aborted = asyncio.Event()
    lost = module._Protocol.connection_lost

    def note(self: web.RequestHandler, error: BaseException | None) -> None:
        aborted.set()
        lost(self, error)  # type: ignore[arg-type] # our own protocol

    monkeypatch.setattr(module._Protocol, "connection_lost", note)
    async with listening() as listener, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.transport.pause_reading()  # type: ignore[attr-defined] # a transport that reads
        writer.write(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
        await aborted.wait()
        writer.transport.abort()
        del reader


async def test_a_client_that_reads_gets_all_of_a_long_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALLED_SECONDS", 2.0)
    async with (
        listening() as listener,
        aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as client,
        client.get("/long") as response,
    ):
        assert len(await response.read()) == LONG


async def test_a_port_that_is_taken_is_refused_with_its_number() -> None:
    async with listening() as listener:
        second = Listener("api", web.Application(), host="127.0.0.1", port=listener.port)
        with pytest.raises(Refused, match=str(listener.port)) as caught:
            await second.run()
        assert caught.value.code == "port_taken"


async def test_a_request_in_hand_is_answered_when_the_listener_drains() -> None:
    entered, release = asyncio.Event(), asyncio.Event()
    async with (
        listening(entered, release) as listener,
        aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as client,
    ):
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(client.get("/"))
            await entered.wait()
            listener.drain()
            release.set()
        assert (await asked).status == 200
