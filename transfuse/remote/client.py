"""The API of a gateway as its commands use it: documents in and out, problems as errors."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TypeVar

import msgspec

from transfuse.remote.access import Access, access_to
from transfuse.remote.address import ApiAddress
from transfuse.remote.failures import failure, foreign_answer, not_signed_in
from transfuse.remote.transport import Reply, Transport, transport

T = TypeVar("T")


class ApiClient:
    """Requests under a token. All raise NotSignedIn, ApiUnreachable, and Refused with what the API says is wrong."""

    def __init__(self, way: Transport, access: Access) -> None:
        self.origin = way.origin
        self._way = way
        self._access = access

    async def get(
        self, path: str, answer: type[T], *, also: Collection[int] = (), query: Mapping[str, str] | None = None
    ) -> T:
        """Read a document; `also` are statuses other than 2xx that carry one."""
        return self._decoded(await self._answered("GET", path, also=also, query=query), answer)

    async def post(
        self, path: str, answer: type[T], body: object = None, *, headers: Mapping[str, str] | None = None
    ) -> T:
        """Ask for something to be done."""
        return self._decoded(await self._answered("POST", path, body=body, headers=headers), answer)

    async def put(self, path: str, answer: type[T], body: object) -> T:
        """Put a document where it belongs."""
        return self._decoded(await self._answered("PUT", path, body=body), answer)

    async def _answered(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        also: Collection[int] = (),
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        content = None if body is None else msgspec.json.encode(body)
        token = await self._access.token(self._way)
        reply = await self._way.send(method, path, content=content, query=query, headers=_with(token, headers))
        if reply.status == HTTPStatus.UNAUTHORIZED:
            token = await self._access.renewed(self._way, token)
            reply = await self._way.send(method, path, content=content, query=query, headers=_with(token, headers))
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise not_signed_in(self.origin)
        if reply.status >= HTTPStatus.BAD_REQUEST and reply.status not in also:
            raise failure(reply.status, reply.content, self.origin)
        return reply

    def _decoded(self, reply: Reply, answer: type[T]) -> T:
        try:
            return msgspec.json.decode(reply.content, type=answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise foreign_answer(self.origin) from error


def _with(token: str, headers: Mapping[str, str] | None) -> dict[str, str]:
    return {**(headers or {}), "Authorization": f"Bearer {token}"}


@asynccontextmanager
async def api_client(address: ApiAddress) -> AsyncIterator[ApiClient]:
    """A client of a gateway, signed in as the environment or an earlier `transfuse login` says."""
    async with transport(address) as way:
        yield ApiClient(way, access_to(address, os.environ))
