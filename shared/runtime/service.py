"""A service's life: start, ready, drain, stop. The same for five processes and for five services in one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from aiohttp import web

from shared.core.errors import RunError
from shared.runtime.cancelling import cancel_until_done
from shared.runtime.probing import ask
from shared.runtime.world import Probe
from shared.telemetry.logging import bind_service, get_logger
from shared.telemetry.metrics import READY, render

log = get_logger(__name__)


class Part(Protocol):
    """One loop of a service: a `Stage`, or a `Loop` around a function."""

    name: str
    ready: asyncio.Event

    async def run(self) -> None:
        """Work until drained; returning earlier is a failure."""
        ...

    def drain(self) -> None:
        """Take nothing more, and let `run` return when what is in hand is done."""
        ...


class Loop:
    """A part made of a function that works until the event it is given is set: a dispatcher, a reader of events."""

    def __init__(self, name: str, body: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        self.name = name
        self.ready = asyncio.Event()
        self._body = body
        self._draining = asyncio.Event()

    async def run(self) -> None:
        """Run the function."""
        self.ready.set()
        try:
            await self._body(self._draining)
        finally:
            self.ready.clear()

    def drain(self) -> None:
        """Set the function's event."""
        self._draining.set()


class Service:
    """Parts that live together, and a listener with /healthz, /readyz, /metrics and `routes` unless `port` is None.

    `run()` is the whole life. Meanwhile `ready()` waits until every part works, `drain()` stops taking work, finishes
    what is in hand within `drain_seconds` and ends; `stop()` ends at once and settles nothing. In which order services
    are drained is the composition root's business: upstream first.
    """

    def __init__(
        self,
        name: str,
        parts: Sequence[Part],
        *,
        probes: Mapping[str, Probe] | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
        drain_seconds: float = 30.0,
        routes: Sequence[web.RouteDef] = (),
    ) -> None:
        self.name = name
        self.port = port
        self.parts = tuple(parts)
        self._probes = dict(probes or {})
        self._host = host
        self._drain_seconds = drain_seconds
        self._routes = tuple(routes)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._running = False
        self._draining = asyncio.Event()
        self._started = asyncio.Event()
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Run until drained or stopped. Raises, in a group, what a part raised; the others are cancelled then."""
        bind_service(self.name)
        self._running = True
        try:
            async with self._listener(), asyncio.TaskGroup() as tasks:
                for part in self.parts:
                    self._tasks[part.name] = tasks.create_task(self._live(part), name=f"{self.name} {part.name}")
                self._started.set()
                log.info("started", **({"port": self.port} if self.port else {}))
        finally:
            READY.labels(service=self.name).set(0)
            self._ended.set()
            log.info("ended")

    async def ready(self) -> None:
        """Return when every part is ready; RunError if the service ends before."""
        if not await self._before_the_end(self._all_ready()):
            raise RunError(f"the {self.name} ended before it was ready", code="not_ready")
        READY.labels(service=self.name).set(1)

    async def drain(self) -> None:
        """Stop taking work, finish what is in hand, end. What takes longer than `drain_seconds` is left unsettled."""
        log.info("draining", drain_seconds=self._drain_seconds)
        self._draining.set()
        for part in self.parts:
            part.drain()
            if not part.ready.is_set() and part.name in self._tasks:
                self._tasks[part.name].cancel()
        if not self._running:
            return
        try:
            async with asyncio.timeout(self._drain_seconds):
                await self._ended.wait()
        except TimeoutError:
            log.warning("the time to drain is over; what is in hand is left unsettled")
            await self.stop()

    async def stop(self) -> None:
        """End at once: everything is cancelled, nothing settled."""
        self._draining.set()
        if self._running and await self._before_the_end(self._started.wait()):
            await cancel_until_done(*self._tasks.values())
            await self._ended.wait()

    async def check(self) -> dict[str, bool]:
        """Whether each part is ready and each probed system answers, by name. A service that drains is not ready."""
        failures = await ask(self._probes)
        for name, error in failures.items():
            if error is not None:
                log.warning("a system does not answer", system=name, error=error)
        return {
            "taking work": not self._draining.is_set(),
            **{part.name: part.ready.is_set() for part in self.parts},
            **{name: error is None for name, error in failures.items()},
        }

    async def _live(self, part: Part) -> None:
        await part.run()
        if not self._draining.is_set():
            raise RunError(f"{part.name} of the {self.name} ended by itself", code="part_ended")

    async def _all_ready(self) -> None:
        for part in self.parts:
            await part.ready.wait()

    async def _before_the_end(self, waiting: Awaitable[object]) -> bool:
        """Wait for something; False if the service ends first."""
        happened = asyncio.ensure_future(waiting)
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait([happened, ended], return_when=asyncio.FIRST_COMPLETED)
            return happened.done()
        finally:
            happened.cancel()
            ended.cancel()

    @asynccontextmanager
    async def _listener(self) -> AsyncIterator[None]:
        """Listen while the service lives; `port` is the real one afterwards."""
        if self.port is None:
            yield
            return
        runner = web.AppRunner(self._app(), access_log=None, handle_signals=False)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, self.port)
            await site.start()
            self.port = runner.addresses[0][1]
            yield
        finally:
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", _metrics)
        app.add_routes(self._routes)
        return app

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"service": self.name, "status": "alive"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        checks = await self.check()
        is_ready = all(checks.values())
        READY.labels(service=self.name).set(int(is_ready))
        body = {"service": self.name, "ready": is_ready, "checks": checks}
        return web.json_response(body, status=200 if is_ready else 503)


async def _metrics(_request: web.Request) -> web.Response:
    body, content_type = render()
    return web.Response(body=body, headers={"Content-Type": content_type})
