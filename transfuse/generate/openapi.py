"""The OpenAPI document as the gateway serves it, for who builds on it without a running gateway."""

from __future__ import annotations

from pathlib import Path

from services.gateway.api.openapi.document import openapi_text
from services.gateway.resources.table import ENDPOINTS


def files() -> dict[Path, str]:
    """The one file."""
    return {Path("docs/openapi.json"): openapi_text(ENDPOINTS).decode()}
