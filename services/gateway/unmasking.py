"""Asks the loader for one row in clear, or to keep an edited value of one: this service holds no key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, TypeVar
from uuid import UUID

import aiohttp
import msgspec

from services.gateway.api.problems import ApiError, conflict
from services.gateway.settings import GatewaySettings
from shared.core.unmasked import EditedRow, EditRequest, UnmaskedRow, UnmaskRequest
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

SECONDS = 10.0
T = TypeVar("T")
REFUSALS: Final = MappingProxyType(
    {
        "not_waiting": (
            HTTPStatus.CONFLICT,
            "The row does not wait for a replay any more.",
            "Edit the row that waits: where this one was refused again, it is one of a later run.",
        ),
        "no_identity": (
            HTTPStatus.CONFLICT,
            "The row is known by its content alone: with another value it would be another row.",
            "Correct the value in the source, or the plan.",
        ),
        "unknown_column": (
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The plan does not read that column for this mapping.",
            "Name the column as `alias.column`, as it stands in the mapping's `from`.",
        ),
    }
)
"""What an edit may be refused for, in our words."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The loader's answer where it gives no row."""

    code: str


class Unmasking:
    """The loader's internal port. Without its address and the service token no row is ever unmasked."""

    def __init__(self, session: aiohttp.ClientSession, settings: GatewaySettings) -> None:
        self._session = session
        self._url = settings.loader_url
        self._token = settings.service_token

    async def unmask(self, run: UUID, row: UUID) -> UnmaskedRow:
        """The row in clear. Raises ApiError: 404 `unknown_row`, 409 where its key is gone, 503 `unmask_unavailable`."""
        return await self._asked(f"{row}/unmask", UnmaskRequest(run=run), UnmaskedRow)

    async def edit(self, row: UUID, request: EditRequest) -> EditedRow:
        """Have a value of a row kept for its replay.

        Raises ApiError: as `unmask`, and 409 `not_waiting` or `no_identity`, 422 `unknown_column`.
        """
        return await self._asked(f"{row}/edit", request, EditedRow)

    async def _asked(self, what: str, request: UnmaskRequest | EditRequest, answer: type[T]) -> T:
        if self._url is None or self._token is None:
            raise unavailable("Set LOADER_URL and SERVICE_TOKEN for the gateway, SERVICE_TOKEN for the loader.")
        try:
            async with self._session.post(
                f"{self._url.reveal().rstrip('/')}/internal/quarantine/{what}",
                data=msgspec.json.encode(request),
                headers={"Authorization": f"Bearer {self._token.reveal()}", "Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                status, content = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("the loader does not answer", error=error)
            raise unavailable("Start the loader, then try again.") from error
        return _told(status, content, answer)


def unavailable(remedy: str) -> ApiError:
    """503: no row can be opened now, and nothing was shown or kept."""
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE, "The row cannot be opened now.", code="unmask_unavailable", remedy=remedy
    )


@asynccontextmanager
async def open_unmasking(settings: GatewaySettings) -> AsyncIterator[Unmasking]:
    """The loader's port, its connections closed at the end. Proxies of the environment are not asked."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        yield Unmasking(session, settings)


def _told(status: int, content: bytes, answer: type[T]) -> T:
    try:
        if status == HTTPStatus.OK:
            return msgspec.json.decode(content, type=answer)
        code = msgspec.json.decode(content, type=Answered).code
    except msgspec.MsgspecError:
        code = ""
    if code == "unknown_row":
        raise ApiError(HTTPStatus.NOT_FOUND, "There is no such row in quarantine.", code="unknown_row")
    if code in {"run_key_gone", "key_not_listed"}:
        raise conflict(
            "The key of the row's run is gone.",
            code=code,
            remedy="Put the key back into ENCRYPTION_KEY of the loader; a key that retention removed is gone for good.",
        )
    if code in REFUSALS:
        refusal, detail, remedy = REFUSALS[code]
        raise ApiError(refusal, detail, code=code, remedy=remedy)
    log.error("the loader refuses to open a row", status=status, code=code or None)
    raise unavailable("Give the gateway and the loader the same SERVICE_TOKEN; look at the loader's log.")
