"""The web application of the sockets' own port: one place, and headers that give nothing away."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from aiohttp import web

from services.notifier.socket_server import PATH, SocketDoor
from shared.settings.environ import Environment

ALWAYS: Final = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
)
PRODUCTION: Final = MappingProxyType({"Strict-Transport-Security": "max-age=31536000; includeSubDomains"})


def make_application(door: SocketDoor, environment: Environment) -> web.Application:
    """An application that serves the door at PATH and nothing else."""
    headers = {**ALWAYS, **(PRODUCTION if environment is Environment.PRODUCTION else {})}

    async def protect(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(headers)
        response.headers.popall("Server", None)

    async def close(_app: web.Application) -> None:
        await door.close()

    app = web.Application(client_max_size=1)
    app.on_response_prepare.append(protect)
    app.on_shutdown.append(close)
    app.router.add_get(PATH, door.answer)
    return app
