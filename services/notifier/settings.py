"""What the notifier needs to know: the ledger, to read, who signs tokens, and where browsers come from."""

from __future__ import annotations

from typing import Annotated

from shared.settings.service import SOCKET_HOST, IdentitySettings, Ledger, port, socket_port

DEFAULT_PORT = 4004
DEFAULT_SOCKET_PORT = 8081


class NotifierSettings(IdentitySettings, frozen=True, kw_only=True):
    """Settings of the notifier. Without `socket_port` nothing listens for browsers."""

    port: Annotated[int | None, port(DEFAULT_PORT)] = DEFAULT_PORT
    socket_host: Annotated[str, SOCKET_HOST.optional("127.0.0.1")] = "127.0.0.1"
    socket_port: Annotated[int | None, socket_port(DEFAULT_SOCKET_PORT)] = DEFAULT_SOCKET_PORT
    ledger: Ledger
