"""One websocket, from the first byte on: what the library needs of it, and the bounds that it does not know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from services.notifier.bucket import Bucket
from services.notifier.limits import SocketLimits

CLOSE_SECONDS: Final = 2.0


class Connection:
    """A websocket and whether somebody was admitted on it; nobody within `limits.admission` ends it."""

    def __init__(self, request: web.Request, limits: SocketLimits) -> None:
        self.is_admitted = False
        self.limits = limits
        self.frames = Bucket(limits.frames)
        self.socket: web.WebSocketResponse | None = None
        self._request = request
        self._timer = asyncio.get_running_loop().call_later(limits.admission, self._give_up)

    def ended(self) -> None:
        """The request is over."""
        self._timer.cancel()

    def abort(self) -> None:
        """Break it off, whatever is still to be sent; a client that does not read would hold up anything gentler."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def abort_soon(self) -> None:
        """Break it off unless the client ends it by itself: it was told that it is over."""
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.abort)

    async def go_away(self) -> None:
        """Close it in a way that makes the client come back, to this process or another."""
        if self.socket is not None:
            with suppress(TimeoutError, ConnectionError, RuntimeError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self.socket.close(code=WSCloseCode.GOING_AWAY)
        self.abort()

    def _give_up(self) -> None:
        if not self.is_admitted:
            self.abort()


CONNECTION: Final = web.RequestKey("connection", Connection)


class Line:
    """The websocket as the library drives it. Nothing is compressed: that would cost each client a window of its own.

    `wait` raises OSError where the connection is to end.
    """

    def __init__(self, handler: Callable[[Line], Awaitable[None]], _server: object) -> None:
        self._handler = handler
        self._connection: Connection | None = None
        self._socket: web.WebSocketResponse | None = None

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        request: web.Request = environ["aiohttp.request"]
        connection = self._connection = request[CONNECTION]
        socket = web.WebSocketResponse(
            max_msg_size=connection.limits.frame_bytes, compress=False, autoping=False, timeout=CLOSE_SECONDS
        )
        self._socket = connection.socket = socket
        await socket.prepare(request)
        await self._handler(self)
        return socket

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def send(self, message: str) -> None:
        if self._socket is not None:
            await self._socket.send_str(message)

    async def wait(self) -> str:
        socket, connection = self._socket, self._connection
        if socket is None or connection is None:
            raise OSError
        while True:
            message = await socket.receive()
            if not connection.frames.take():
                connection.abort()
                raise OSError
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.TEXT and message.data:
                return str(message.data)
            elif message.type is not WSMsgType.PONG:
                raise OSError
