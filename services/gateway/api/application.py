"""The aiohttp application made from the table of endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import HttpVersion11, web

from services.gateway.api.endpoint import Endpoint
from services.gateway.api.failures import failures
from services.gateway.api.headers import protection
from services.gateway.api.measuring import measuring
from services.gateway.api.origins import naming_origins, preflights
from services.gateway.api.route import Route
from services.gateway.api.surroundings import Surroundings
from services.gateway.api.table_check import check_table
from services.gateway.dashboard import PATHS, Dashboard
from shared.runtime.mount import Mount
from shared.settings.environ import Environment

BODY_BYTES: Final = 1024 * 1024
REQUEST_SECONDS: Final = 30.0


def make_application(
    api: Surroundings,
    endpoints: Sequence[Endpoint],
    *,
    dashboard: Dashboard | None = None,
    mount: Mount | None = None,
    request_seconds: float = REQUEST_SECONDS,
) -> web.Application:
    """Routes for every endpoint, and to the dashboard and the sockets where they are given; nothing else.

    Raises TableInvalid for a table that is not sound.
    """
    check_table(endpoints)
    settings = api.settings
    app = web.Application(
        client_max_size=BODY_BYTES,
        middlewares=[
            measuring(settings.trusted_proxies),
            failures(request_seconds, endless=None if mount is None else mount.path),
            preflights(settings.cors_origins),
        ],
    )
    app.on_response_prepare.append(protection(production=settings.environment is Environment.PRODUCTION))
    app.on_response_prepare.append(naming_origins(settings.cors_origins))
    for endpoint in endpoints:
        app.router.add_route(endpoint.method, endpoint.path, Route(api, endpoint).answer, expect_handler=_expectation)
    if mount is not None:
        app.router.add_get(mount.path, mount.answer, allow_head=False, expect_handler=_expectation)
        app.on_shutdown.append(mount.close)
    if dashboard is not None:
        app.router.add_get(PATHS, dashboard.answer, expect_handler=_expectation)
    return app


async def _expectation(request: web.Request) -> None:
    """Ask for the body where a client waits to be asked; any other expectation is none of ours and not looked at.

    The library's own refuses those before anything of ours is called, in words of its own.
    """
    if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
