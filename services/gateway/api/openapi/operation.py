"""One operation of the document: a row of the table in OpenAPI's words."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from services.gateway.api.answers import PROBLEM
from services.gateway.api.endpoint import Endpoint
from services.gateway.api.openapi.schemas import Schema, Schemas
from services.gateway.api.problems import Problem
from shared.identity.permissions import Permission

JSON: Final = "application/json"
PARAMETERS: Final = MappingProxyType(
    {
        "Idempotency-Key": "A key of the caller's own; the same key and request give the same answer for a day.",
        "If-None-Match": "The ETag of what the caller has.",
    }
)
"""The headers of requests that endpoints look at."""
HEADERS: Final = MappingProxyType(
    {
        "Location": "Where it is.",
        "Set-Cookie": "The refresh token, for this part of the API only.",
        "Content-Disposition": "The name of the file.",
        "ETag": "What the content is known by.",
    }
)
"""The headers of answers that are worth a word."""


def operation_of(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    """The operation object."""
    found: dict[str, Any] = {
        "operationId": endpoint.operation_id,
        "summary": endpoint.summary,
        "description": _description(endpoint),
        "tags": [endpoint.tag.value],
        "security": [] if endpoint.permission is Permission.ANYONE else [{"bearer": []}],
        "x-permission": endpoint.permission.value,
        "parameters": [*_parameters(endpoint, schemas)],
        "responses": {
            str(int(status)): _response(endpoint, status, kind, schemas)
            for status, kind in sorted(_answers(endpoint).items())
        },
    }
    if endpoint.body is not None:
        content = {JSON: {"schema": schemas.of(endpoint.body)}}
        found["requestBody"] = {"required": not endpoint.body_optional, "content": content}
    return found


def _description(endpoint: Endpoint) -> str:
    words = inspect.getdoc(endpoint.handler) or ""
    may = {
        Permission.ANYONE: "Needs no sign-in.",
        Permission.SIGNED_IN: "For everybody who is signed in.",
    }.get(endpoint.permission, f"Permission: `{endpoint.permission}`.")
    return f"{words}\n\n{may}".strip()


def _parameters(endpoint: Endpoint, schemas: Schemas) -> Iterable[dict[str, Any]]:
    for name, (schema, _) in schemas.fields(endpoint.parameters).items():
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for name, (schema, required) in schemas.fields(endpoint.query).items():
        yield {"name": name, "in": "query", "required": required, "schema": schema}
    for name in endpoint.accepts:
        schema = {"type": "string", "pattern": "^[!-~]{1,255}$"}
        yield {"name": name, "in": "header", "required": False, "description": PARAMETERS[name], "schema": schema}


def _answers(endpoint: Endpoint) -> dict[int, type | None]:
    """Every status that an answer may have, with the document; Problem for errors, None for no body."""
    problems = {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
    problems |= {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}
    if endpoint.permission is not Permission.ANYONE or endpoint.method != "GET":
        problems.add(HTTPStatus.FORBIDDEN)
    if "{" in endpoint.path:
        problems.add(HTTPStatus.NOT_FOUND)
    if endpoint.body is not None:
        problems |= {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
    problems.add(HTTPStatus.BAD_REQUEST)
    also = {
        int(status): Problem if kind is None and int(status) >= HTTPStatus.BAD_REQUEST else kind
        for status, kind in endpoint.also.items()
    }
    return {**{int(status): Problem for status in problems}, int(endpoint.status): endpoint.answer, **also}


def _response(endpoint: Endpoint, status: int, kind: type | None, schemas: Schemas) -> dict[str, Any]:
    if kind is Problem:
        return {"$ref": f"#/components/responses/{_name(status)}"}
    headers = {name: HEADERS[name] for name in endpoint.headers}
    return {
        "description": HTTPStatus(status).phrase,
        **_headers(headers),
        **_content(endpoint, kind, schemas),
    }


def problem_responses(endpoints: Iterable[Endpoint], schemas: Schemas) -> dict[str, Any]:
    """The answers that operations share: a problem document per status."""
    statuses = {status for each in endpoints for status, kind in _answers(each).items() if kind is Problem}
    waiting = {"Retry-After": "Seconds until it is worth trying again."}
    return {
        _name(status): {
            "description": HTTPStatus(status).phrase,
            **_headers(waiting if status == HTTPStatus.TOO_MANY_REQUESTS else {}),
            "content": {PROBLEM: {"schema": schemas.of(Problem)}},
        }
        for status in sorted(statuses)
    }


def _name(status: int) -> str:
    return HTTPStatus(status).name.title().replace("_", "")


def _headers(words: Mapping[str, str]) -> dict[str, Any]:
    found = {name: {"description": said, "schema": {"type": "string"}} for name, said in words.items()}
    return {"headers": found} if found else {}


def _content(endpoint: Endpoint, kind: type | None, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Schema] = {}
    for media_type in endpoint.media_types:
        if media_type != JSON:
            found[media_type] = {"schema": {"type": "string"}}
        elif kind is not None:
            found[media_type] = {"schema": schemas.of(kind)}
    return {"content": found} if found else {}
