"""The whole document: what every row of the table says, and the schemas of its types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec

from services.gateway.api.endpoint import Endpoint, Tag
from services.gateway.api.openapi.operation import operation_of, problem_responses
from services.gateway.api.openapi.schemas import Schemas
from services.gateway.api.problems import Problem

DESCRIPTION: Final = (
    "What the portal and its operators ask of Transfuse. Errors are problem documents (RFC 9457) with a stable `code`. "
    "Every answer names its request in `X-Request-Id`. Above the limits the answer is 429 with `Retry-After`."
)


def openapi_of(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document as JSON takes it; the same for the same table."""
    schemas = Schemas([Problem, *_types(endpoints)])
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation_of(endpoint, schemas)
    responses = problem_responses(endpoints, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Transfuse",
            "version": version("transfuse"),
            "summary": "Moves a legacy database and proves where every row went.",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag.value} for tag in Tag if any(endpoint.tag is tag for endpoint in endpoints)],
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "responses": responses,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def openapi_text(endpoints: Sequence[Endpoint]) -> bytes:
    """The document as it is served and kept, with lines that people can compare."""
    return msgspec.json.format(msgspec.json.encode(openapi_of(endpoints)), indent=2) + b"\n"


def _types(endpoints: Iterable[Endpoint]) -> Iterable[type]:
    for endpoint in endpoints:
        found = (endpoint.parameters, endpoint.query, endpoint.body, endpoint.answer, *endpoint.also.values())
        yield from (kind for kind in found if kind is not None)
