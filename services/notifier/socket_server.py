"""The Socket.IO server: how it is set up, and the request that becomes a websocket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import socketio
from aiohttp import web

from services.notifier.connection import CONNECTION, Connection, Line
from services.notifier.limits import SocketLimits
from services.notifier.packets import DocumentPacket
from shared.core.document import Document

PATH: Final = "/socket.io/"
LIBRARY: Final = logging.getLogger("socketio.server")
LIBRARY.setLevel(logging.CRITICAL)
"""What clients send broken would fill the log; what goes wrong on our side is told by the handlers themselves."""


def make_server(limits: SocketLimits) -> socketio.AsyncServer:
    """A server that knows no other process: each notifier hears every event by itself and emits to its own sockets.

    Websocket is the only transport. A client may then come back to any notifier, without sticky sessions, and one
    connection is one request, which makes its bounds exact.
    """
    server = socketio.AsyncServer(
        async_mode="aiohttp",
        transports=["websocket"],
        serializer=DocumentPacket,
        async_handlers=False,  # one event of a client at a time
        max_http_buffer_size=limits.frame_bytes,
        ping_interval=limits.ping_interval,
        ping_timeout=limits.ping_timeout,
        cors_allowed_origins=[],  # looked at before, see `SocketDoor`
        logger=LIBRARY,
        engineio_logger=LIBRARY,
    )
    # The library has no setting for compression, the bounds of frames, or the connection's end.
    server.eio._async = {**server.eio._async, "websocket": Line}  # noqa: SLF001
    return server


class SocketVoice:
    """What is said to clients. A room or a client that is gone is no error."""

    def __init__(self, server: socketio.AsyncServer) -> None:
        self._server = server

    async def tell(self, to: str, event: str, document: Document) -> None:
        """Send a document to everybody in a room, encoded once, or to one client."""
        await self._server.emit(event, document, to=to)

    async def enter(self, sid: str, room: str) -> bool:
        """Add a client to a room; False where it is gone."""
        if not self._server.manager.is_connected(sid, "/"):
            return False
        await self._server.enter_room(sid, room)
        return True

    async def leave(self, sid: str, room: str) -> None:
        """Take a client out of a room."""
        if self._server.manager.is_connected(sid, "/"):
            await self._server.leave_room(sid, room)

    async def close(self, room: str) -> None:
        """Take everybody out of a room."""
        await self._server.close_room(room)


class SocketDoor:
    """Answers the requests of PATH: a websocket for a page of an allowed origin, or a program, while there is room."""

    def __init__(self, server: socketio.AsyncServer, origins: Collection[str], limits: SocketLimits) -> None:
        self._server = server
        self._origins = frozenset(origins)
        self._limits = limits
        self._connections: set[Connection] = set()
        self._is_closed = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket to its end, or refuse it."""
        status, words = self._refusal(request)
        if words:
            return web.Response(status=status, text=words)
        connection = request[CONNECTION] = Connection(request, self._limits)
        self._connections.add(connection)
        try:
            response: web.StreamResponse = await self._server.handle_request(request)
        finally:
            self._connections.discard(connection)
            connection.ended()
        return response

    async def close(self) -> None:
        """Let nobody in any more, and send everybody away: they come back to another process, or to the next one."""
        if self._is_closed:
            return
        self._is_closed = True
        async with asyncio.TaskGroup() as tasks:
            for connection in self._connections:
                tasks.create_task(connection.go_away(), name="socket going away")
        await self._server.shutdown()

    def _refusal(self, request: web.Request) -> tuple[HTTPStatus, str]:
        if not self._is_allowed(request):
            return HTTPStatus.FORBIDDEN, "Pages of this origin are not allowed here."
        if request.headers.get("Upgrade", "").lower() != "websocket" or request.query.get("transport") != "websocket":
            return HTTPStatus.BAD_REQUEST, "The only transport here is websocket."
        waiting = sum(not connection.is_admitted for connection in self._connections)
        if (
            self._is_closed
            or len(self._connections) >= self._limits.connections
            or waiting >= self._limits.connections_not_admitted
        ):
            return HTTPStatus.SERVICE_UNAVAILABLE, "There is no room for another connection now."
        return HTTPStatus.OK, ""

    def _is_allowed(self, request: web.Request) -> bool:
        """A program names no origin; a page's is on the list, or is that of this very server."""
        origin = request.headers.get("Origin")
        return origin is None or origin in self._origins or urlsplit(origin).netloc == request.headers.get("Host")
