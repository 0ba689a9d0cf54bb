"""Every request counted and timed, by the template of its route: no address that somebody made up is a label."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from services.gateway.api.arrival import ARRIVAL, arrival_of
from shared.settings.readers import Network
from shared.telemetry.logging import bind_request
from shared.telemetry.metrics import HTTP_REQUESTS, HTTP_SECONDS

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
NOWHERE = "none"
SWITCHED = 101
"""A socket's answer, whose time is how long somebody looked on."""


def measuring(trusted: Sequence[Network]) -> Middleware:
    """Middleware, the outermost: gives the request its id and address, and counts what comes of it."""

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[ARRIVAL] = arrival_of(request, trusted)
        bind_request(request[ARRIVAL].request_id)  # the library runs every request in a task of its own
        started = time.perf_counter()
        status = 499  # nobody waited for the answer
        try:
            response = await handler(request)
            status = response.status
        finally:
            resource = request.match_info.route.resource
            route = resource.canonical if resource is not None else NOWHERE
            method = request.method if request.method in METHODS else "other"
            HTTP_REQUESTS.labels(method=method, route=route, status=str(status)).inc()
            if status != SWITCHED:
                HTTP_SECONDS.labels(method=method, route=route).observe(time.perf_counter() - started)
        return response

    return measure
