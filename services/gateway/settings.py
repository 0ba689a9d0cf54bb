"""What the gateway needs to know: the ledger, and nothing of rows or keys."""

from __future__ import annotations

from typing import Annotated

from shared.settings.service import JwtSecret, Ledger, Redis, ServiceSettings, port

DEFAULT_PORT = 4000


class GatewaySettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the gateway."""

    port: Annotated[int | None, port(DEFAULT_PORT)] = DEFAULT_PORT
    ledger: Ledger
    redis: Redis = None
    jwt_secret: JwtSecret = None
