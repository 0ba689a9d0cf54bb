"""Clients of the API: each a user of its own from an address of its own, so that only the measured limit counts."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Mapping

import aiohttp
import msgspec

from tests.harness.tokens import token

USERS = 200
TOKEN_SECONDS = 7200


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One request: its status and how long the whole answer took."""

    status: int
    seconds: float
    content: bytes


class Client:
    """One user."""

    def __init__(self, http: aiohttp.ClientSession, number: int, user: str | None = None) -> None:
        self._http = http
        self._user = user or token("admin", seconds=TOKEN_SECONDS)
        self._headers = {
            "Authorization": f"Bearer {self._user}",
            "X-Forwarded-For": f"198.18.{number // 250}.{number % 250 + 1}",
        }

    def from_address(self, number: int) -> Client:
        """The same user from another address."""
        return Client(self._http, number, self._user)

    async def ask(
        self, method: str, path: str, *, body: object = None, more: Mapping[str, str] | None = None
    ) -> Answered:
        """One request, timed to the last byte of its answer."""
        content = None if body is None else msgspec.json.encode(body)
        headers = {**self._headers, **(more or {}), **({"Content-Type": "application/json"} if content else {})}
        started = time.perf_counter()
        async with self._http.request(method, path, data=content, headers=headers) as answer:
            received = await answer.read()
        return Answered(status=answer.status, seconds=time.perf_counter() - started, content=received)


def clients(http: aiohttp.ClientSession) -> Iterator[Client]:
    """Clients in turn, without end."""
    return itertools.cycle([Client(http, number) for number in range(USERS)])


def percentile(seconds: list[float], share: float) -> float:
    """The time within which this share of all was answered, in milliseconds; the next higher one that was measured."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]
