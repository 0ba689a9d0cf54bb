"""Asks the loader for one row in clear: this service holds no key and could not open it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from uuid import UUID

import aiohttp
import msgspec

from services.gateway.api.problems import ApiError, conflict
from services.gateway.settings import GatewaySettings
from shared.core.unmasked import UnmaskedRow, UnmaskRequest
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

SECONDS = 10.0


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
        if self._url is None or self._token is None:
            raise unavailable("Set LOADER_URL and SERVICE_TOKEN for the gateway, SERVICE_TOKEN for the loader.")
        try:
            async with self._session.post(
                f"{self._url.reveal().rstrip('/')}/internal/quarantine/{row}/unmask",
                data=msgspec.json.encode(UnmaskRequest(run=run)),
                headers={"Authorization": f"Bearer {self._token.reveal()}", "Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                status, content = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("the loader does not answer", error=error)
            raise unavailable("Start the loader, then try again.") from error
        return _row(status, content)


def unavailable(remedy: str) -> ApiError:
    """503: nothing can be unmasked now, and nothing was shown."""
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE, "The row cannot be unmasked now.", code="unmask_unavailable", remedy=remedy
    )


@asynccontextmanager
async def open_unmasking(settings: GatewaySettings) -> AsyncIterator[Unmasking]:
    """The loader's port, its connections closed at the end. Proxies of the environment are not asked."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        yield Unmasking(session, settings)


def _row(status: int, content: bytes) -> UnmaskedRow:
    try:
        if status == HTTPStatus.OK:
            return msgspec.json.decode(content, type=UnmaskedRow)
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
    log.error("the loader refuses to unmask", status=status, code=code or None)
    raise unavailable("Give the gateway and the loader the same SERVICE_TOKEN; look at the loader's log.")
