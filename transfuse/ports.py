"""Ports of this machine: the one that the API listens on, and free ones."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import msgspec

from services.gateway.settings import DEFAULT_API_PORT
from services.notifier.settings import DEFAULT_SOCKET_PORT

LOOPBACK = "127.0.0.1"


class ApiPort(msgspec.Struct, frozen=True, kw_only=True):
    """Where the API is going to listen. `taken` is the port that was wanted and is not free."""

    port: int
    taken: int | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def told(self) -> str:
        """Lines about it."""
        where = f"The dashboard is at {self.url}\nThe documentation of the API is at {self.url}/api/docs"
        return where if self.taken is None else f"Port {self.taken} is taken.\n{where}"


def api_port(environment: Mapping[str, str], *, free: bool = False) -> ApiPort:
    """API_PORT where it is set, else the usual port, or any free one where that is taken or `free` is asked for."""
    wanted = environment.get("API_PORT", "").strip()
    if wanted.isdigit() and int(wanted):
        return ApiPort(port=int(wanted))
    if free or wanted == "0":
        return ApiPort(port=free_port())
    host = environment.get("API_HOST", "").strip() or LOOPBACK
    if _is_free(host, DEFAULT_API_PORT):
        return ApiPort(port=DEFAULT_API_PORT)
    return ApiPort(port=free_port(), taken=DEFAULT_API_PORT)


def socket_port(environment: Mapping[str, str], *, free: bool = False) -> int:
    """SOCKET_PORT where it is set, else the usual port, or any free one where that is taken or `free` is asked for."""
    wanted = environment.get("SOCKET_PORT", "").strip()
    if wanted.isdigit() and int(wanted):
        return int(wanted)
    host = environment.get("SOCKET_HOST", "").strip() or LOOPBACK
    return free_port() if free or wanted == "0" or not _is_free(host, DEFAULT_SOCKET_PORT) else DEFAULT_SOCKET_PORT


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as found:
        found.bind((LOOPBACK, 0))
        port: int = found.getsockname()[1]
        return port


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError:
            return False
        return True
