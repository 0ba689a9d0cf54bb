"""A part of a service that answers HTTP or sockets on a port of its own."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import msgspec
from aiohttp import web

from shared.core.errors import Refused
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

IDLE_SECONDS: Final = 75.0
"""A connection that asks nothing for so long is closed; longer than proxies keep theirs."""
FIRST_REQUEST_SECONDS: Final = 15.0
"""The time that a new connection has to send the head of its first request."""
STALLED_SECONDS: Final = 30.0
"""How long a client may take no byte of an answer that it asked for."""
LINGER_SECONDS: Final = 2.0
"""How long the rest of a body is read that nobody wants any more."""

BARE: Final = MappingProxyType(
    {
        "Content-Type": "application/problem+json",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
)
"""Headers of an answer to what is no HTTP."""


class Listener:
    """Serves an application until drained: no new connection then, requests in hand are finished.

    `port` 0 takes any free one; `port` is the real one once it is ready. Raises Refused (`port_taken`) from `run`.
    """

    def __init__(self, name: str, app: web.Application, *, host: str, port: int, grace_seconds: float = 10.0) -> None:
        self.name = name
        self.port = port
        self.ready = asyncio.Event()
        self._app = app
        self._host = host
        self._grace_seconds = grace_seconds
        self._draining = asyncio.Event()

    async def run(self) -> None:
        """Serve until drained."""
        runner = _Runner(
            self._app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=self._grace_seconds,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGER_SECONDS,
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, self.port)
            try:
                await site.start()
            except OSError as error:
                raise Refused(
                    f"Port {self.port} of {self._host} cannot be listened on ({error.strerror}).",
                    remedy="Free the port, or choose another one for this service.",
                    code="port_taken",
                ) from error
            self.port = runner.addresses[0][1]
            log.info("listening", part=self.name, port=self.port)
            self.ready.set()
            await self._draining.wait()
        finally:
            self.ready.clear()
            await runner.cleanup()

    def drain(self) -> None:
        """Let `run` return once the requests in hand are answered."""
        self._draining.set()


class _Protocol(web.RequestHandler):
    """One connection. What is no HTTP gets an answer that names no software and repeats nothing."""

    __slots__ = ("_first_request_timer", "_stalled_timer")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._first_request_timer = loop.call_later(FIRST_REQUEST_SECONDS, self._give_up)
        self._stalled_timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        self._first_request_timer.cancel()
        self._not_stalled()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled_timer = asyncio.get_running_loop().call_later(STALLED_SECONDS, self._abort)

    def resume_writing(self) -> None:
        self._not_stalled()
        super().resume_writing()

    def handle_error(  # the library's own repeats the request's first line
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        del request, message
        log.warning("a request could not be answered", status=status, error=exc)
        response = _Bare(status=status, headers=BARE, body=_problem(status))
        response.force_close()
        return response

    def _not_stalled(self) -> None:
        if self._stalled_timer is not None:
            self._stalled_timer.cancel()
            self._stalled_timer = None

    def _abort(self) -> None:
        """Let go of what nobody takes; to close would wait for it."""
        if self.transport is not None:
            self.transport.abort()

    def _give_up(self) -> None:
        if self._request_count == 0:
            self.force_close()


def _problem(status: int) -> bytes:
    """A problem document like those of the API."""
    return msgspec.json.encode(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": "The request is not understood, or its head is too long.",
            "code": "not_understood",
            "remedy": "",
            "requestId": "",
            "errors": [],
        }
    )


class _Bare(web.Response):
    """An answer without the name of the software."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall("Server", None)


class _Server(web.Server):
    """A server whose connections are ours."""

    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=asyncio.get_running_loop(), **self._kwargs)


class _Runner(web.AppRunner):
    """Runs an application with our own connections, which the library has no setting for."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=made.request_factory, **made._kwargs)  # noqa: SLF001
