"""Who is connected: admitted by their token, dropped with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any

import msgspec
import socketio
from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as Refuse

from services.notifier.bucket import Bucket
from services.notifier.connection import CONNECTION, Connection
from services.notifier.limits import SocketLimits
from services.notifier.refusal import Reason, SocketRefused
from shared.core.errors import WorldError
from shared.identity.identity import Identity, TokenRefused, TokenVerifier
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import SOCKETS, SOCKETS_ENDED

log = get_logger(__name__)


class SocketSession:
    """One admitted client. `rooms` are those it is in; `asked_at` is when the deny list was last asked about it."""

    def __init__(self, sid: str, identity: Identity, connection: Connection, now: float) -> None:
        self.sid = sid
        self.identity = identity
        self.connection = connection
        self.rooms: set[str] = set()
        self.asked_at = now
        self.events = Bucket(connection.limits.events)
        self.refusals = Bucket(connection.limits.refusals)


class _Auth(msgspec.Struct, frozen=True, kw_only=True):
    token: str


class Sessions:
    """The clients of this process. `left` is called once for each that is gone, whatever ended it."""

    def __init__(
        self,
        server: socketio.AsyncServer,
        verifier: TokenVerifier,
        limits: SocketLimits,
        left: Callable[[SocketSession], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._server = server
        self._verifier = verifier
        self._limits = limits
        self._left = left
        self._clock = clock
        self._now = now
        self._sessions: dict[str, SocketSession] = {}
        server.on("connect", self._connect)
        server.on("disconnect", self._disconnect)

    @property
    def all(self) -> Collection[SocketSession]:
        """Those that are connected now."""
        return tuple(self._sessions.values())

    def find(self, sid: str) -> SocketSession | None:
        """One of them."""
        return self._sessions.get(sid)

    async def drop(self, session: SocketSession, why: str) -> None:
        """End a session: its client is told that the server has ended it, and stays out of every room at once."""
        log.info("a socket is dropped", code=why)
        SOCKETS_ENDED.labels(reason=why).inc()
        session.connection.abort_soon()
        await self._server.disconnect(session.sid)
        await self._forget(session.sid)

    async def cut(self, session: SocketSession, why: str) -> None:
        """Break a connection off; its client is free to come back."""
        log.info("a socket is cut off", code=why)
        SOCKETS_ENDED.labels(reason=why).inc()
        session.connection.abort()
        await self._forget(session.sid)

    def waiting_packets(self, session: SocketSession) -> int | None:
        """How many packets wait to be sent to a client; None for one that the library has let go of."""
        eio_sid = self._server.manager.eio_sid_from_sid(session.sid, "/")
        socket = self._server.eio.sockets.get(eio_sid)
        return None if socket is None else int(socket.queue.qsize())

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        """Admit a client, or raise the library's refusal, which the client gets as `connect_error`."""
        request: web.Request = environ["aiohttp.request"]
        connection = request[CONNECTION]
        try:
            identity = await self._identify(auth)
            self._make_room(identity)
        except SocketRefused as error:
            SOCKETS_ENDED.labels(reason=error.code).inc()
            connection.abort_soon()
            raise Refuse(str(error), Reason(code=error.code, message=str(error))) from error
        connection.is_admitted = True
        self._sessions[sid] = SocketSession(sid, identity, connection, self._clock())
        SOCKETS.set(len(self._sessions))

    async def _identify(self, auth: object) -> Identity:
        try:
            token = msgspec.convert(auth, _Auth).token
        except msgspec.ValidationError:
            raise SocketRefused(
                "Nobody is signed in: connect with a token, as auth {token}.", code="not_signed_in"
            ) from None
        try:
            async with asyncio.timeout(self._limits.answer):
                identity = await self._verifier.verify(token)
        except TokenRefused as error:
            log.info("a socket is refused", code=error.code)
            raise SocketRefused("The token is not accepted.", code="token_refused") from error
        except (WorldError, TimeoutError) as error:
            log.warning("a token cannot be verified", error=error)
            raise SocketRefused("The token cannot be verified now.", code="unavailable") from error
        if identity.expires_at <= self._now():
            raise SocketRefused("The token is not accepted.", code="token_refused")
        return identity

    def _make_room(self, identity: Identity) -> None:
        theirs = sum(session.identity.subject == identity.subject for session in self._sessions.values())
        if theirs >= self._limits.connections_per_user:
            raise SocketRefused("There are too many connections of this account.", code="too_many_connections")

    async def _disconnect(self, sid: str, _reason: str = "") -> None:
        await self._forget(sid)

    async def _forget(self, sid: str) -> None:
        session = self._sessions.pop(sid, None)
        SOCKETS.set(len(self._sessions))
        if session is not None:
            await self._left(session)
