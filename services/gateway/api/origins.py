"""Which pages may call the API: cross-origin requests by an exact list, and none with cookies from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from services.gateway.api.problems import ApiError

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
PREFLIGHT: Final = MappingProxyType(
    {
        "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
        "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, X-Request-Id",
        "Access-Control-Max-Age": "600",
    }
)
EXPOSED: Final = "Content-Disposition, ETag, Location, Retry-After, X-Request-Id"


def preflights(allowed: Collection[str]) -> Middleware:
    """Middleware: answers the preflights of allowed origins."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if is_preflight and request.headers.get("Origin") in allowed:
            return web.Response(status=HTTPStatus.NO_CONTENT, headers=PREFLIGHT)
        return await handler(request)

    return check


def refuse_forged(request: web.Request, allowed: Collection[str]) -> None:
    """Return unless a browser sends cookies along with a change that a foreign page asks for. Raises ApiError 403.

    The cookie is SameSite=Strict already; this holds where a browser does not keep to it, and between the ports and
    subdomains of one site, which are the same site to a cookie.
    """
    if request.method in SAFE or "Cookie" not in request.headers:
        return
    origin = request.headers.get("Origin")
    if origin is None:
        is_own = request.headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}
    else:
        is_own = origin in allowed or _is_of(origin, request.headers.get("Host", ""))
    if not is_own:
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "The request comes from a page of another origin.",
            code="foreign_origin",
            remedy="Add the page's origin to CORS_ORIGINS if it is to be trusted.",
        )


def _is_of(origin: str, host: str) -> bool:
    """Whether an origin is that of the address that was asked. `null`, and what is no origin, is nobody's."""
    try:
        return bool(host) and urlsplit(origin).netloc == host
    except ValueError:
        return False


def naming_origins(allowed: Collection[str]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """What is called before the headers of an answer are sent: only an origin on the list is named."""

    async def name_origin(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin")
        if origin is not None and origin in allowed:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED

    return name_origin
