"""The documentation: the OpenAPI document, and a page that shows it and tries it out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from services.gateway.api.endpoint import Answer, Call, Endpoint, Nothing, Tag
from services.gateway.api.headers import PAGE_POLICY
from services.gateway.api.openapi.document import openapi_text
from services.gateway.documents.documentation import Asset, AssetPath, OpenapiDocument
from shared.identity.permissions import Permission

PAGE: Final = "docs.html"
MEDIA_TYPES: Final = MappingProxyType(
    {
        PAGE: "text/html; charset=utf-8",
        Asset.STYLE: "text/css; charset=utf-8",
        Asset.SCRIPT: "text/javascript; charset=utf-8",
    }
)


def documented(endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """The endpoints, and with them those that document them all."""

    async def read_openapi(call: Call[Nothing, Nothing, None]) -> Answer[None]:  # noqa: ARG001 - the same for everybody
        return Answer(content=_text(), headers={"Cache-Control": "no-cache"})

    @cache
    def _text() -> bytes:
        return openapi_text(whole)

    whole = (
        *endpoints,
        Endpoint(
            method="GET",
            path="/api/openapi.json",
            operation_id="readOpenapi",
            permission=Permission.ANYONE,
            summary="This document",
            tag=Tag.SYSTEM,
            handler=read_openapi,
            answer=OpenapiDocument,
        ),
        *PAGES,
    )
    return whole


async def read_page(call: Call[Nothing, Nothing, None]) -> Answer[None]:  # noqa: ARG001 - the same for everybody
    return _asset(PAGE)


async def read_asset(call: Call[AssetPath, Nothing, None]) -> Answer[None]:
    return _asset(call.path.file)


@cache
def _asset(name: str) -> Answer[None]:
    content = files("services.gateway").joinpath("assets", name).read_bytes()
    headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}
    return Answer(content=content, media_type=MEDIA_TYPES[name], headers=headers)


PAGES = (
    Endpoint(
        method="GET",
        path="/api/docs",
        operation_id="readDocs",
        permission=Permission.ANYONE,
        summary="A page that shows this document and tries it out",
        tag=Tag.SYSTEM,
        handler=read_page,
        media_types=("text/html",),
    ),
    Endpoint(
        method="GET",
        path="/api/docs/{file}",
        operation_id="readDocsFile",
        permission=Permission.ANYONE,
        summary="A file that the page is made of",
        tag=Tag.SYSTEM,
        handler=read_asset,
        parameters=AssetPath,
        media_types=("text/css", "text/javascript"),
    ),
)
