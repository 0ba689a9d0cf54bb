"""The token that a request carries: one that was given, or that of a sign-in, renewed before it ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol

import msgspec

from services.gateway.documents.sign_in import SignedInDocument, SignedInUser
from shared.core.errors import Refused
from transfuse.remote.address import ApiAddress
from transfuse.remote.failures import NotSignedIn, failure, foreign_answer, not_signed_in
from transfuse.remote.kept_session import KeptSession, SessionFile, session_file
from transfuse.remote.transport import Reply, Transport

TOKEN = "TRANSFUSE_TOKEN"  # noqa: S105 - the name of a variable
"""A token of Supabase, or of a job's own account; it comes before any sign-in."""
SPARE_SECONDS = 30.0
"""A token that ends sooner is renewed first."""


class Access(Protocol):
    """Gives tokens. Raises NotSignedIn."""

    async def token(self, transport: Transport) -> str:
        """One that is good for the next request."""
        ...

    async def renewed(self, transport: Transport, refused: str) -> str:
        """Another one in the place of one that the gateway does not take. Raises NotSignedIn where there is none."""
        ...


class GivenToken:
    """A token from the environment: nobody here can renew it."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self, transport: Transport) -> str:
        del transport
        return self._token

    async def renewed(self, transport: Transport, refused: str) -> str:
        del refused
        raise NotSignedIn(
            f"{transport.origin} does not take the token of {TOKEN}.",
            remedy=f"Set {TOKEN} to a token that is valid, or unset it and use `transfuse login`.",
        )


class Session:
    """A sign-in that was kept. Two processes never renew it at once."""

    def __init__(self, file: SessionFile) -> None:
        self._file = file

    async def token(self, transport: Transport) -> str:
        session = self._read(transport)
        if session.expires_at - time.time() > SPARE_SECONDS:
            return session.access_token
        return await self.renewed(transport, session.access_token)

    async def renewed(self, transport: Transport, refused: str) -> str:
        async with self._file.alone():
            session = self._read(transport)
            if session.access_token != refused and session.expires_at - time.time() > SPARE_SECONDS:
                return session.access_token  # another process was quicker
            headers = cookie_header(session)
            reply = await transport.send("POST", "/api/auth/refresh", content=b"{}", headers=headers)
            if reply.status in {HTTPStatus.NO_CONTENT, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise not_signed_in(transport.origin)
            session, _ = session_of(reply, transport, session.cookies)
            self._file.write(session)
            return session.access_token

    def _read(self, transport: Transport) -> KeptSession:
        session = self._file.read()
        if session is None or session.api != transport.origin:
            raise not_signed_in(transport.origin)
        return session


def access_to(address: ApiAddress, process: Mapping[str, str]) -> Access:
    """By the token of the environment, else by the sign-in that was kept."""
    given = process.get(TOKEN, "").strip()
    if not given:
        return Session(session_file(address, process))
    if not given.isascii() or not given.isprintable():
        raise Refused(f"{TOKEN} is no token.", remedy="Set it to the token and nothing else.", code="bad_token")
    return GivenToken(given)


def session_of(reply: Reply, transport: Transport, cookies: Mapping[str, str]) -> tuple[KeptSession, SignedInUser]:
    """The sign-in that an answer makes, its cookies over those that were there; and whose it is."""
    if reply.status != HTTPStatus.OK:
        raise failure(reply.status, reply.content, transport.origin)
    try:
        signed_in = msgspec.json.decode(reply.content, type=SignedInDocument)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise foreign_answer(transport.origin) from error
    kept = {name: value for name, value in {**cookies, **reply.cookies}.items() if value}
    session = KeptSession(
        api=transport.origin,
        email=signed_in.user.email,
        cookies=kept,
        access_token=signed_in.access_token,
        expires_at=time.time() + signed_in.expires_in,
    )
    return session, signed_in.user


def cookie_header(session: KeptSession) -> dict[str, str]:
    """The header that hands the refresh token back."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in session.cookies.items())}
