"""What the notifier needs to know: the ledger, to read."""

from __future__ import annotations

from typing import Annotated

from shared.settings.service import JwtSecret, Ledger, Redis, ServiceSettings, port

DEFAULT_PORT = 4004


class NotifierSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the notifier."""

    port: Annotated[int | None, port(DEFAULT_PORT)] = DEFAULT_PORT
    ledger: Ledger
    redis: Redis = None
    jwt_secret: JwtSecret = None
