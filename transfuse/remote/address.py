"""Where a gateway's API is. Plaintext goes to this machine only: a token on the wire is an account on the wire."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from shared.core.errors import Refused

_PORTS = {"https": 443, "http": 80}


class ApiAddress(msgspec.Struct, frozen=True, kw_only=True):
    """The origin of an API: scheme, host and port, nothing after them."""

    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> str:
        """`https://portal.example.org`, with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


def api_address(text: str) -> ApiAddress:
    """The address that an operator gave. Raises Refused `bad_api`, and `plaintext_api` for http beyond this machine."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _bad() from None
    if parts.scheme not in _PORTS or not host or parts.username is not None or parts.password is not None:
        raise _bad()
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _bad()
    if parts.scheme == "http" and not _is_here(host):
        raise Refused(
            "http:// would send the token over the network for everybody to read.",
            remedy="Use https://, or a tunnel to the gateway's port and http://127.0.0.1:PORT.",
            code="plaintext_api",
        )
    return ApiAddress(scheme=parts.scheme, host=host, port=port or _PORTS[parts.scheme])


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _bad() -> Refused:
    # The text is not repeated: somebody may have written a password into it.
    return Refused(
        "The address of the API is not one.",
        remedy="Give the gateway's origin and nothing else, such as https://portal.example.org.",
        code="bad_api",
    )
