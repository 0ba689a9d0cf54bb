"""Why a client is told no."""

from __future__ import annotations

from shared.core.document import Document
from shared.core.errors import TransfuseError


class SocketRefused(TransfuseError):
    """A client asks for what it may not have or what is not there. Text and code are for the client."""

    code = "refused"
    remedy = ""


class Reason(Document, frozen=True, kw_only=True):
    """A stable word for programs, a sentence for people."""

    code: str
    message: str


class Acknowledged(Document, frozen=True, kw_only=True):
    """What an event is acknowledged with when it was done."""

    ok: bool = True


class Refusal(Document, frozen=True, kw_only=True):
    """What an event is acknowledged with when it was not."""

    error: Reason


def refusal_of(error: TransfuseError) -> Refusal:
    """What a client is told of an error of ours."""
    return Refusal(error=Reason(code=error.code, message=str(error)))
