"""Refused rows for the gateway alone, which shows the service token: one in clear, or one value of one edited.

The gateway wrote the audit before it asked; the loader writes an entry of its own.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

import msgspec
from aiohttp import web

from services.loader.editing import NoIdentity, NotWaiting, UnknownColumn, edit_row
from services.loader.opening import RunKeyGone, UnknownRow, open_row
from shared.core.errors import KeyNotListed, TransfuseError, WorldError
from shared.core.unmasked import EditRequest, UnmaskRequest
from shared.crypto.keyring import Keyring
from shared.postgres.pools import Pool
from shared.settings.secret import Secret
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

PATH = "/internal/quarantine/{row}/unmask"
EDIT_PATH = "/internal/quarantine/{row}/edit"
CONFLICTS = (RunKeyGone, KeyNotListed, NotWaiting, NoIdentity)
T = TypeVar("T")


class Unmasking:
    """Opens and edits rows of the quarantine under the keys of their runs. Without a token it has no route at all."""

    def __init__(self, pool: Pool, keyring: Keyring, token: Secret | None) -> None:
        self._pool = pool
        self._keyring = keyring
        self._token = token

    def routes(self) -> tuple[web.RouteDef, ...]:
        """What the service's internal port answers."""
        if self._token is None:
            return ()
        return (
            web.post(PATH, self._answer_to(UnmaskRequest, self._unmask)),
            web.post(EDIT_PATH, self._answer_to(EditRequest, self._edit)),
        )

    def _answer_to(
        self, asked: type[T], work: Callable[[UUID, T], Awaitable[object]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The answer as JSON; errors have a code and no words. Nothing of a row is logged."""

        async def answer(request: web.Request) -> web.Response:
            try:
                return await self._answer(request, asked, work)
            except WorldError as error:
                return _problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code)
            except UnknownRow as error:
                return _problem(HTTPStatus.NOT_FOUND, error.code)
            except UnknownColumn as error:
                return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.code)
            except CONFLICTS as error:
                return _problem(HTTPStatus.CONFLICT, error.code)
            except TransfuseError as error:
                log.error("a row could not be opened", error=error)
                return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, error.code)
            except Exception as error:  # noqa: BLE001 - the web server would log the driver's text
                log.error("a row could not be opened", error=error)
                return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal")

        return answer

    async def _answer(
        self, request: web.Request, asked: type[T], work: Callable[[UUID, T], Awaitable[object]]
    ) -> web.Response:
        if not self._is_gateway(request.headers.get("Authorization", "")):
            log.warning("somebody without the service token asked for a row")
            return _problem(HTTPStatus.UNAUTHORIZED, "token_refused")
        try:
            row = UUID(request.match_info["row"])
            body = msgspec.json.decode(await request.read(), type=asked)
        except (ValueError, msgspec.MsgspecError):
            return _problem(HTTPStatus.BAD_REQUEST, "bad_request")
        return _json(HTTPStatus.OK, await work(row, body))

    async def _unmask(self, row: UUID, request: UnmaskRequest) -> object:
        async with self._pool.acquire() as connection:
            opened = await open_row(connection, self._keyring, request.run, row)
        log.info("a row was unmasked", run=request.run, mapping=opened.mapping)
        return opened

    async def _edit(self, row: UUID, request: EditRequest) -> object:
        async with self._pool.acquire() as connection:
            edited = await edit_row(connection, self._keyring, row, request)
        log.info("a value of a row was edited", run=request.run, mapping=edited.mapping)
        return edited

    def _is_gateway(self, header: str) -> bool:
        """Compared in constant time."""
        if self._token is None:
            return False
        wanted = f"Bearer {self._token.reveal()}"
        return hmac.compare_digest(header.encode("utf-8", "surrogateescape"), wanted.encode())


def _problem(status: HTTPStatus, code: str) -> web.Response:
    return _json(status, {"code": code})


def _json(status: HTTPStatus, content: object) -> web.Response:
    return web.Response(
        status=status.value,
        body=msgspec.json.encode(content),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
