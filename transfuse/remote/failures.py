"""What can go wrong between the command line and a gateway, in words for the operator."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from services.gateway.api.problems import Finding, Problem
from shared.core.errors import Refused, TransfuseError, WorldError

MOST_FINDINGS = 20


class ApiUnreachable(WorldError):
    """The gateway does not answer, or says that it cannot now."""

    code = "api_unreachable"
    remedy = "Check the address and the network; nothing that runs there is touched by it."


class NotSignedIn(Refused):
    """The gateway wants to know who asks."""

    code = "not_signed_in"


def not_signed_in(origin: str) -> NotSignedIn:
    """Nobody is signed in there, or not any more."""
    return NotSignedIn(f"You are not signed in to {origin}.", remedy=f"Sign in with `transfuse login --api {origin}`.")


def foreign_answer(origin: str) -> Refused:
    """Something answers there that is no gateway of this version."""
    return Refused(
        f"What answers at {origin} does not speak as a gateway of this version does.",
        remedy="Check the address, and that both sides run the same version of Transfuse.",
        code="foreign_answer",
    )


def failure(status: int, content: bytes, origin: str) -> TransfuseError:
    """The error of an answer that is not the one asked for."""
    try:
        problem = msgspec.json.decode(content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = None
    if status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}:
        return ApiUnreachable(f"{origin} cannot answer now" + (f": {problem.detail}" if problem else "."))
    if problem is None:
        return foreign_answer(origin)
    text = "\n".join([problem.detail, *map(_place, problem.errors[:MOST_FINDINGS])])
    remedy = problem.remedy or f"Ask who runs the gateway, with the request id {problem.request_id}."
    return Refused(text, remedy=remedy, code=problem.code)


def _place(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}:{finding.column}" if finding.file else finding.field
    return f"  {place}: {finding.message}" + (f" {finding.remedy}" if finding.remedy else "")
