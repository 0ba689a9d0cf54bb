"""One request to a gateway and its answer; TLS is always verified, redirects are never followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import msgspec

from shared.core.errors import Refused
from transfuse.remote.address import ApiAddress
from transfuse.remote.failures import ApiUnreachable, foreign_answer

ANSWER_SECONDS = 40.0
"""More than a gateway takes before it gives up by itself."""
CONNECT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 15.0
MOST_WAITS = 3


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `cookies` are those it sets, empty ones being those it takes away."""

    status: int
    content: bytes
    cookies: Mapping[str, str]


class Transport:
    """Requests to one gateway. All raise ApiUnreachable, and Refused for what is no gateway or is not trusted."""

    def __init__(self, address: ApiAddress, http: aiohttp.ClientSession) -> None:
        self.origin = address.origin
        self._http = http

    async def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request; told to come back later (429) it does, a few times and if that is soon."""
        waits = MOST_WAITS
        while True:
            reply, later = await self._once(method, path, content, query or {}, headers or {})
            if reply.status != HTTPStatus.TOO_MANY_REQUESTS or later > LONGEST_WAIT_SECONDS or not waits:
                return reply
            waits -= 1
            await asyncio.sleep(later)

    async def _once(
        self, method: str, path: str, content: bytes | None, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[Reply, float]:
        sent = {"Content-Type": "application/json", **headers} if content is not None else dict(headers)
        try:
            async with self._http.request(
                method, path, data=content, params=query, headers=sent, allow_redirects=False
            ) as answer:
                cookies = {name: morsel.value for name, morsel in answer.cookies.items()}
                reply = Reply(status=answer.status, content=await answer.read(), cookies=cookies)
                later = answer.headers.get("Retry-After", "")
        except aiohttp.ClientConnectorCertificateError as error:
            raise self._untrusted() from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiUnreachable(f"{self.origin} does not answer.") from error
        if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
            raise foreign_answer(self.origin)
        return reply, float(later) if later.isascii() and later.isdecimal() else 1.0

    def _untrusted(self) -> Refused:
        return Refused(
            f"The certificate of {self.origin} is not to be trusted.",
            remedy="Check the address; where your own authority signs, name its certificate in SSL_CERT_FILE.",
            code="untrusted_api",
        )


@asynccontextmanager
async def transport(address: ApiAddress) -> AsyncIterator[Transport]:
    """A way to a gateway, closed at the end. It keeps no cookies and takes no proxy or password from elsewhere."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)
    async with aiohttp.ClientSession(
        address.origin, cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout, headers={"User-Agent": "transfuse"}
    ) as http:
        yield Transport(address, http)
