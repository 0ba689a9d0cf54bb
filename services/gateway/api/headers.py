"""The headers that every answer carries, errors included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Final

from aiohttp import web

from services.gateway.api.arrival import ARRIVAL, REQUEST_ID

DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
"""Content policy of JSON: nothing in it is ever run or shown."""
DOCUMENT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content policy of a self-contained HTML document, such as a run's report: its own styles, no script."""
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Content policy of pages that are made of packaged files: the documentation, the dashboard."""

ALWAYS: Final = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "X-Frame-Options": "DENY",
    }
)
PRODUCTION: Final = MappingProxyType({"Strict-Transport-Security": "max-age=31536000; includeSubDomains"})

Hook = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def protection(*, production: bool) -> Hook:
    """What is called before the headers of an answer are sent; headers that a handler has set stay."""
    headers = {**ALWAYS, **(PRODUCTION if production else {})}

    async def protect(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        policy = DOCUMENT_POLICY if response.content_type == "text/html" else DATA_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        if ARRIVAL in request:
            response.headers[REQUEST_ID] = str(request[ARRIVAL].request_id)
        response.headers.popall("Server", None)

    return protect
