"""What the gateway needs to know: the ledger, who signs tokens, where browsers come from; nothing of rows or keys."""

from __future__ import annotations

from typing import Annotated

from shared.settings.secret import Secret
from shared.settings.service import (
    API_HOST,
    LOADER_URL,
    SOCKET_URL,
    SUPABASE_ANON_KEY,
    IdentitySettings,
    Ledger,
    ServiceToken,
    api_port,
    port,
)

DEFAULT_PORT = 4000
DEFAULT_API_PORT = 8080


class GatewaySettings(IdentitySettings, frozen=True, kw_only=True):
    """Settings of the gateway. Without `api_port` there is no API: a command that runs alone in its process."""

    port: Annotated[int | None, port(DEFAULT_PORT)] = DEFAULT_PORT
    api_host: Annotated[str, API_HOST.optional("127.0.0.1")] = "127.0.0.1"
    api_port: Annotated[int | None, api_port(DEFAULT_API_PORT)] = DEFAULT_API_PORT
    ledger: Ledger
    supabase_anon_key: Annotated[str | None, SUPABASE_ANON_KEY.optional()] = None
    socket_url: Annotated[str | None, SOCKET_URL.optional()] = None
    loader_url: Annotated[Secret | None, LOADER_URL.optional()] = None
    service_token: ServiceToken = None
