"""One refused row in clear, for the gateway alone: it shows the service token, and wrote the audit before it asked."""

from __future__ import annotations

import asyncio
import hmac
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from shared.core.errors import KeyNotListed, SealBroken, TransfuseError, WorldError
from shared.core.unmasked import UnmaskedRow, UnmaskRequest
from shared.crypto.aad import row_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger.audit import AuditEntry, append
from shared.ledger.quarantine import SealedRow, read_sealed
from shared.postgres.pools import Pool
from shared.settings.secret import Secret
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

PATH = "/internal/quarantine/{row}/unmask"


class Unmasking:
    """Opens rows of the ledger's quarantine under the keys of their runs. Without a token it has no route at all."""

    def __init__(self, pool: Pool, keyring: Keyring, token: Secret | None) -> None:
        self._pool = pool
        self._keyring = keyring
        self._token = token

    def routes(self) -> tuple[web.RouteDef, ...]:
        """What the service's internal port answers."""
        return () if self._token is None else (web.post(PATH, self._answer),)

    async def _answer(self, request: web.Request) -> web.Response:
        """The row as JSON; errors have a code and no words. Nothing of a row is logged."""
        try:
            return await self._unmasked(request)
        except WorldError as error:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code)
        except KeyNotListed as error:
            return _problem(HTTPStatus.CONFLICT, error.code)
        except TransfuseError as error:
            log.error("a row could not be unmasked", error=error)
            return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, error.code)
        except Exception as error:  # noqa: BLE001 - the web server would log the driver's text
            log.error("a row could not be unmasked", error=error)
            return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal")

    async def _unmasked(self, request: web.Request) -> web.Response:
        if not self._is_gateway(request.headers.get("Authorization", "")):
            log.warning("somebody without the service token asked for a row")
            return _problem(HTTPStatus.UNAUTHORIZED, "token_refused")
        try:
            row = UUID(request.match_info["row"])
            run = msgspec.json.decode(await request.read(), type=UnmaskRequest).run
        except (ValueError, msgspec.MsgspecError):
            return _problem(HTTPStatus.BAD_REQUEST, "bad_request")
        async with self._pool.acquire() as connection:
            sealed = await read_sealed(connection, run, row)
            if sealed is None:
                return _problem(HTTPStatus.NOT_FOUND, "unknown_row")
            if sealed.wrapped_key is None:
                return _problem(HTTPStatus.CONFLICT, "run_key_gone")
            await append(connection, _opening(run, row, sealed.mapping))
        opened = await asyncio.to_thread(self._open, run, row, sealed, sealed.wrapped_key)
        log.info("a row was unmasked", run=run, mapping=sealed.mapping)
        return _json(HTTPStatus.OK, opened)

    def _is_gateway(self, header: str) -> bool:
        """Compared in constant time."""
        if self._token is None:
            return False
        wanted = f"Bearer {self._token.reveal()}"
        return hmac.compare_digest(header.encode("utf-8", "surrogateescape"), wanted.encode())

    def _open(self, run: UUID, row: UUID, sealed: SealedRow, wrapped_key: bytes) -> UnmaskedRow:
        """Raises SealBroken, KeyNotListed."""
        key, aad = RunKey(self._keyring.unwrap(wrapped_key, run)), row_aad(run, row)
        columns = msgspec.json.decode(key.open_(sealed.sealed_row, aad))
        if not isinstance(columns, dict):
            raise SealBroken("a sealed row is no row")
        return UnmaskedRow(
            mapping=sealed.mapping,
            legacy_key=key.open_(sealed.sealed_key, aad).decode(),
            columns={name: _text(value) for name, value in columns.items()},
        )


def _opening(run: UUID, row: UUID, mapping: str) -> AuditEntry:
    """Our own entry, beside the gateway's: one that was taken over would leave none."""
    return AuditEntry(
        actor="loader",
        action="quarantine.open",
        object_kind="quarantine",
        object_id=str(row),
        detail={"run": str(run), "mapping": mapping},
    )


def _text(value: Any) -> str | None:  # noqa: ANN401 - any JSON
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()


def _problem(status: HTTPStatus, code: str) -> web.Response:
    return _json(status, {"code": code})


def _json(status: HTTPStatus, content: object) -> web.Response:
    return web.Response(
        status=status.value,
        body=msgspec.json.encode(content),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
