"""Whatever goes wrong becomes a problem: no stack, no driver's text, no page of the library."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from services.gateway.api.answers import as_api_error, problem_of
from services.gateway.api.arrival import ARRIVAL
from services.gateway.api.problems import ApiError, bad_request
from shared.core.errors import TransfuseError
from shared.telemetry.logging import get_logger

log = get_logger(__name__)


OF_LIBRARY: Final = MappingProxyType(
    {
        HTTPStatus.NOT_FOUND: ("not_found", "There is nothing at this address."),
        HTTPStatus.METHOD_NOT_ALLOWED: ("method_not_allowed", "This address does not know the method."),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body_too_large", "The body is larger than 1 MiB."),
    }
)
"""What the library raises by itself, in our words."""


def failures(seconds: float, *, endless: str | None = None) -> Middleware:
    """Middleware: an answer within `seconds`, reading the body included, and a problem for every error.

    At the path `endless` there are sockets, which stay open.
    """

    @web.middleware
    async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            async with asyncio.timeout(None if request.path == endless else seconds):
                return await handler(request)
        except Exception as error:  # noqa: BLE001 - the last place that can tell it without a driver's text
            return _told(request, error)

    return tell


def _told(request: web.Request, error: Exception) -> web.StreamResponse:
    known = _known(error)
    if known is None:
        log.error("a request failed", error=error, method=request.method)
        known = ApiError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "Something went wrong here.",
            code="internal",
            remedy="Give the request id to who runs Transfuse: the log of the gateway names it.",
        )
    response = problem_of(known, request[ARRIVAL].request_id)
    if not request.content.at_eof() and known.status in {
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    }:
        response.force_close()  # nobody waits for the rest of a body that comes too slowly or is too long
    return response


def _known(error: Exception) -> ApiError | None:
    if isinstance(error, TransfuseError):
        return as_api_error(error)
    if isinstance(error, web.HTTPException):
        return _of_library(error)
    if isinstance(error, web.RequestPayloadError | ConnectionError):
        return bad_request("The body broke off.", code="body_broken")
    if isinstance(error, TimeoutError):
        return ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE, "It took too long.", code="timeout", remedy="Try again in a while."
        )
    return None


def _of_library(error: web.HTTPException) -> ApiError | None:
    status = HTTPStatus(error.status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.BAD_REQUEST:
        return None
    code, detail = OF_LIBRARY.get(status, ("bad_request", "The request is not as it should be."))
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return ApiError(status, detail, code=code, headers=headers)
