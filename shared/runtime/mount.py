"""A place in one service's listener at which another service of the same process answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web


class Mount:
    """Empty until somebody takes it: nobody is there then. The listener closes it before it waits for its requests."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        self._close: Callable[[], Awaitable[None]] | None = None

    def take(
        self, answer: Callable[[web.Request], Awaitable[web.StreamResponse]], close: Callable[[], Awaitable[None]]
    ) -> None:
        """Answer the requests of this place from now on; `close` ends those that would go on for ever."""
        self._answer, self._close = answer, close

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if self._answer is None:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="Nobody answers here now.")
        return await self._answer(request)

    async def close(self, _app: web.Application | None = None) -> None:
        """End what goes on."""
        if self._close is not None:
            await self._close()
