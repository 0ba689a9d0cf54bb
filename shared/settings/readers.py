"""Readers of single variables: each knows its name, what it is for and an example."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from shared.settings.addresses import service_url
from shared.settings.environ import Complaint, Environ, Environment
from shared.settings.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Reader(Protocol[T_co]):
    """Gives a field of a settings class its value. Raises Complaint with a sentence per missing or bad variable."""

    def read(self, environ: Environ) -> T_co:
        """The value, or the reader's default."""
        ...


class Variable(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One variable. `meaning` completes "NAME is missing: ..."; `parse` raises Complaint with "must ..." words."""

    name: str
    meaning: str
    example: str
    parse: Callable[[str, Environ], T]
    default: T | None = None
    required: bool = True

    def read(self, environ: Environ) -> T | None:
        """The parsed variable, or the default when it is missing and not required."""
        text = environ.find(self.name)
        if text is None:
            if self.required:
                raise Complaint(f"{self.name} is missing: {self.meaning}, for example {self.example}")
            return self.default
        try:
            return self.parse(text, environ)
        except Complaint as complaint:
            raise Complaint(
                *(f"{self.name} {words}: {self.meaning}, for example {self.example}" for words in complaint.sentences)
            ) from None

    def optional(self, default: T | None = None) -> Variable[T]:
        """The same variable where it may be missing."""
        return msgspec.structs.replace(self, required=False, default=default)


class Whole:
    """Parses a whole number between two bounds."""

    def __init__(self, low: int, high: int) -> None:
        self._low, self._high = low, high

    def __call__(self, text: str, _environ: Environ) -> int:
        """The number; Complaint for anything else than its digits."""
        words = f"must be a whole number from {self._low} to {self._high}"
        if not text.isascii() or not text.isdigit() or not self._low <= int(text) <= self._high:
            raise Complaint(words)
        return int(text)


def one_of(*choices: str) -> Callable[[str, Environ], str]:
    """Parser of a word out of a few."""

    def parse(text: str, _environ: Environ) -> str:
        if text not in choices:
            raise Complaint(f"must be one of {', '.join(choices)}")
        return text

    return parse


def plain_text(text: str, _environ: Environ) -> str:
    """Parser of any text."""
    return text


Network = IPv4Network | IPv6Network


def networks(text: str, _environ: Environ) -> tuple[Network, ...]:
    """Parser of addresses and networks, separated by commas."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise Complaint("must be addresses or networks, separated by commas") from None


def origins(text: str, environ: Environ) -> tuple[str, ...]:
    """Parser of web origins, separated by commas; in production only of https."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in found:
        parts = urlsplit(origin)
        if parts.scheme not in {"https", "http"} or origin != f"{parts.scheme}://{parts.netloc}" or not parts.netloc:
            raise Complaint("must be origins such as https://portal.example.org, separated by commas")
        if environ.is_production and parts.scheme != "https":
            raise Complaint("must be https:// origins in production")
    return found


def redis_url(text: str, environ: Environ) -> Secret:
    """Parser of a Redis URL; `memory://name` is a Redis within this process, for the embedded mode."""
    if text.startswith("memory://") and not environ.is_production:
        return Secret(text)
    return service_url("rediss", "redis")(text, environ)


def secret_text(shortest: int = 1) -> Callable[[str, Environ], Secret]:
    """Parser of a secret of at least `shortest` characters."""

    def parse(text: str, _environ: Environ) -> Secret:
        if len(text) < shortest:
            raise Complaint(f"must have at least {shortest} characters")
        return Secret(text)

    return parse


class EnvironmentWord(msgspec.Struct, frozen=True):
    """Reader of ENVIRONMENT itself."""

    def read(self, environ: Environ) -> Environment:
        """The environment, development when it is missing."""
        return environ.environment
