"""What the dashboard's page may load, run and talk to."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from yarl import URL

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; "
    "connect-src {connect}; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SCHEMES: Final = MappingProxyType(
    {"http": ("http", "ws"), "https": ("https", "wss"), "ws": ("http", "ws"), "wss": ("https", "wss")}
)
"""A policy names requests and sockets apart, a setting does not."""
HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


class DashboardPolicy:
    """A content policy that lets pages reach their own origin and those of the given URLs, and nothing else."""

    def __init__(self, *urls: str | None) -> None:
        self._connect = " ".join(["'self'", *(origin for url in urls for origin in origins_of(url))])

    def with_nonce(self, nonce: str) -> str:
        """The policy for one answer, whose style elements carry the nonce."""
        return POLICY.format(nonce=nonce, connect=self._connect)


def origins_of(url: str | None) -> tuple[str, ...]:
    """The origins of requests to a URL and of sockets to it; none for what is no web address."""
    try:
        origin = URL(url or "").origin()
    except ValueError:
        return ()
    if HOST.fullmatch(origin.host_subcomponent or "") is None:
        return ()
    return tuple(str(origin.with_scheme(scheme)) for scheme in SCHEMES.get(origin.scheme, ()))
