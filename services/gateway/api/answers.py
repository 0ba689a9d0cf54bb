"""From what a handler gives, or an error, to the answer that is sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from services.gateway.api import decoding
from services.gateway.api.endpoint import Answer, Endpoint
from services.gateway.api.problems import ApiError, Problem, status_of
from shared.core.errors import Refused, TransfuseError, WorldError

PROBLEM: Final = "application/problem+json"


def response_of(answer: Answer[Any], endpoint: Endpoint) -> web.Response:
    """The answer of a handler: its own content, the JSON of its document, or nothing (204)."""
    content = answer.content
    if content is None and answer.document is not None:
        content = decoding.as_json(answer.document)
    status = answer.status or (endpoint.status if content is not None else HTTPStatus.NO_CONTENT)
    headers = {**answer.headers, **({"Content-Type": answer.media_type} if content is not None else {})}
    response = web.Response(status=int(status), body=content, headers=headers)
    for cookie in answer.set_cookies:
        response.headers.add("Set-Cookie", cookie)
    return response


def as_api_error(error: TransfuseError) -> ApiError | None:
    """One of our errors as the API tells it; None for those that are no business of the caller's."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, Refused):
        return ApiError(status_of(error.code), str(error), code=error.code, remedy=error.remedy)
    if isinstance(error, WorldError):
        return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, str(error), code=error.code, remedy=error.remedy)
    return None


def problem_of(error: ApiError, request_id: UUID) -> web.Response:
    """The problem document of an error."""
    problem = Problem(
        title=error.status.phrase,
        status=error.status.value,
        detail=str(error),
        code=error.code,
        remedy=error.remedy,
        request_id=str(request_id),
        errors=error.errors,
    )
    headers = {**error.headers, "Content-Type": PROBLEM}
    return web.Response(status=error.status.value, body=decoding.as_json(problem), headers=headers)
