"""The entries that the frame makes in the audit: of every call that changes something, and of every refusal.

A change is recorded twice: `begun` before it is made, or it is not made; then what came of it. A `begun` that nothing
follows is a call that was broken off. Sign-ins, and readings of what is nobody's to see, are recorded once, before the
answer leaves.

The audit is kept for ever, so what people who are not signed in can put into it is bounded: of their refusals, and of
sign-outs that ended nothing, a number per minute is recorded. The metrics count them all. A refusal that tells of
somebody known, such as a refresh token in two hands, is always recorded: there are as many as there were sign-ins.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec

from services.gateway.api.arrival import Arrival
from services.gateway.api.endpoint import Answer, Call, Endpoint, Limit, Recorded
from services.gateway.api.limits.requests import RequestLimits
from services.gateway.api.origins import SAFE
from services.gateway.api.problems import ApiError
from shared.core.errors import WorldError
from shared.identity.identity import Identity
from shared.identity.permissions import Permission
from shared.ledger.audit import Audit, AuditEntry, Detail, Outcome
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

ANYONE = "anyone"
REFUSED = "request.refused"
"""The action of a refusal where the endpoint itself leaves no entries."""
NAMED = re.compile(r"/(\w+)/\{")
"""What kind of thing a name in a path is of: `migrations` in `/api/migrations/{id}/pause`."""
LONGEST = 256
"""Characters that somebody may have made up go into the audit up to here."""


class Recorder:
    """Records the calls of one endpoint."""

    def __init__(self, audit: Audit, endpoint: Endpoint, limits: RequestLimits) -> None:
        self._audit = audit
        self._limits = limits
        self._endpoint = endpoint
        self._begins = (
            bool(endpoint.audit) and endpoint.method not in SAFE and endpoint.permission is not Permission.ANYONE
        )

    async def begun(self, call: Call[Any, Any, Any]) -> None:
        """Before a change. Raises WorldError: what cannot be recorded is not done."""
        if self._begins:
            detail: Detail = {name: str(getattr(call.body, name)) for name in self._endpoint.audited}
            await self._audit.append(self._entry(call, Outcome.BEGUN, detail))

    async def done(self, call: Call[Any, Any, Any], answer: Answer[Any]) -> None:
        """After the handler. Raises WorldError where no `begun` was recorded: the answer is kept back then."""
        if self._endpoint.recorded is Recorded.FAILURES:
            return
        status = answer.status or self._endpoint.status
        detail: Detail = {**answer.audit, "status": int(status)}
        entry = self._entry(call, Outcome.DONE, detail)
        if call.caller.identity is None and answer.actor:
            entry = msgspec.structs.replace(entry, actor=answer.actor)
        await self._after(entry)

    async def went_wrong(self, call: Call[Any, Any, Any], error: ApiError | None) -> None:
        """After a handler that raised; None for an error that the caller learns nothing of."""
        status = HTTPStatus.INTERNAL_SERVER_ERROR if error is None else error.status
        outcome = Outcome.FAILED if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Outcome.REFUSED
        known: Detail = {} if error is None else error.audit
        detail: Detail = {**known, "status": int(status), "code": "internal" if error is None else error.code}
        if self._is_by_nobody(call) and not known and not await self._is_recorded(call):
            return
        await self._after(self._entry(call, outcome, detail), refusal=True)

    async def refused(self, arrival: Arrival, identity: Identity | None, error: ApiError) -> None:
        """A request that was turned away before it reached the handler."""
        if identity is None and not await self._limits.is_recorded(arrival.address):
            return
        entry = AuditEntry(
            actor=ANYONE if identity is None else identity.actor,
            role=_role(identity),
            action=self._endpoint.audit or REFUSED,
            outcome=Outcome.REFUSED,
            address=arrival.address,
            request_id=str(arrival.request_id),
            detail={
                **_subject(identity),
                "operation": self._endpoint.operation_id,
                "status": int(error.status),
                "code": error.code,
            },
        )
        await self._append_or_tell(entry)

    def _is_by_nobody(self, call: Call[Any, Any, Any]) -> bool:
        """Sign-ins have a limit of their own."""
        return (
            bool(self._endpoint.audit) and call.caller.identity is None and self._endpoint.limit is not Limit.SIGN_INS
        )

    async def _is_recorded(self, call: Call[Any, Any, Any]) -> bool:
        return await self._limits.is_recorded(call.caller.address)

    async def _after(self, entry: AuditEntry, *, refusal: bool = False) -> None:
        if not self._endpoint.audit:
            return
        if self._begins or refusal:
            await self._append_or_tell(entry)
        else:
            await self._audit.append(entry)

    async def _append_or_tell(self, entry: AuditEntry) -> None:
        """The refusal stands, and the `begun` is there, whether this is recorded or not."""
        try:
            await self._audit.append(entry)
        except WorldError as error:
            log.error("an entry of the audit could not be written", error=error)

    def _entry(self, call: Call[Any, Any, Any], outcome: Outcome, detail: Detail) -> AuditEntry:
        kind, name = self._object(call, detail)
        identity = call.caller.identity
        return AuditEntry(
            actor=ANYONE if identity is None else identity.actor,
            role=_role(identity),
            action=self._endpoint.audit,
            object_kind=kind,
            object_id=name[:LONGEST],
            outcome=outcome,
            address=call.caller.address,
            request_id=call.caller.request_id,
            detail={**_subject(identity), **detail},
        )

    def _object(self, call: Call[Any, Any, Any], detail: Detail) -> tuple[str, str]:
        """What the call is about: the account that signs in, the last name of the path, or what was made."""
        if self._endpoint.limit is Limit.SIGN_INS:
            return "account", account_of(call)
        names = [str(value) for value in msgspec.structs.astuple(call.path)]
        if names:
            # Pausing is the action `run.pause`, and the address names the migration whose run it is.
            return NAMED.findall(self._endpoint.path)[-1].removesuffix("s"), names[-1]
        kind = self._endpoint.audit.partition(".")[0]
        return kind, str(detail.get("id") or detail.get(kind) or "")


def account_of(call: Call[Any, Any, Any]) -> str:
    """The account that somebody tries to sign in to, as they wrote it."""
    return str(getattr(call.body, "email", ""))


def _subject(identity: Identity | None) -> Detail:
    """Who it was, by the id that stays when an e-mail changes hands."""
    return {} if identity is None else {"subject": str(identity.subject)}


def _role(identity: Identity | None) -> str:
    return "" if identity is None or identity.role is None else identity.role.value
