"""What is known of a request before anybody looks at it: its id, and the address that it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from uuid import UUID, uuid4

import msgspec
from aiohttp import web

from shared.settings.readers import Network

REQUEST_ID: Final = "X-Request-Id"

Address = IPv4Address | IPv6Address


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `address` is empty where the peer has none, as on a Unix socket."""

    request_id: UUID
    address: str


ARRIVAL: Final = web.RequestKey("arrival", Arrival)


def arrival_of(request: web.Request, trusted: Sequence[Network]) -> Arrival:
    """The request's own id if it is a UUID, else a new one; the address behind the trusted proxies."""
    return Arrival(
        request_id=_uuid(request.headers.get(REQUEST_ID, "")) or uuid4(),
        address=client_address(request.remote or "", request.headers.getall("X-Forwarded-For", ()), trusted),
    )


def client_address(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """The rightmost address that is none of our proxies: what stands left of it anybody can have written."""
    found = _address(peer)
    if found is None:
        return ""
    named = [part for line in forwarded for part in line.split(",")]
    while named and any(found in network for network in trusted):
        before = _address(named.pop())
        if before is None:
            break
        found = before
    return str(found)


def _address(text: str) -> Address | None:
    """The address of `1.2.3.4`, `1.2.3.4:5678`, `::1` or `[::1]:5678`; IPv4 within IPv6 as IPv4."""
    text = text.strip().partition("%")[0]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
