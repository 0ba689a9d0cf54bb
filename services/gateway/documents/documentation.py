"""Documents of the documentation."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from shared.core.document import Document, Form


class Asset(StrEnum):
    """A file that the page is made of."""

    STYLE = "docs.css"
    SCRIPT = "docs.js"


class AssetPath(Form, frozen=True, kw_only=True):
    """The file of a path."""

    file: Asset


class OpenapiDocument(Document, frozen=True, kw_only=True):
    """The parts of an OpenAPI 3.1 document."""

    openapi: str
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    paths: dict[str, Any]
    components: dict[str, Any]
