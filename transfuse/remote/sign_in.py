"""Signing in to a gateway and out of it."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from services.gateway.documents.sign_in import LoginForm, LogoutForm, SignedInUser
from transfuse.remote.access import cookie_header, session_of
from transfuse.remote.failures import failure, not_signed_in
from transfuse.remote.kept_session import SessionFile
from transfuse.remote.transport import Transport


async def sign_in(way: Transport, file: SessionFile, email: str, password: str) -> SignedInUser:
    """Sign in and keep it in the file. Raises Refused with what the gateway says, for a wrong password for one."""
    content = msgspec.json.encode(LoginForm(email=email, password=password))
    session, user = session_of(await way.send("POST", "/api/auth/login", content=content), way, {})
    async with file.alone():
        file.write(session)
    return user


async def sign_out(way: Transport, file: SessionFile, *, everywhere: bool) -> None:
    """End the sign-in there, then forget it here. Raises NotSignedIn where there is none to end."""
    async with file.alone():
        session = file.read()
        if session is None:
            raise not_signed_in(way.origin)
        headers = {"Authorization": f"Bearer {session.access_token}", **cookie_header(session)}
        content = msgspec.json.encode(LogoutForm(everywhere=everywhere))
        reply = await way.send("POST", "/api/auth/logout", content=content, headers=headers)
        if reply.status == HTTPStatus.UNAUTHORIZED:  # the access token has ended, the cookie says who it is
            reply = await way.send("POST", "/api/auth/logout", content=content, headers=cookie_header(session))
        if reply.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.UNAUTHORIZED}:
            raise failure(reply.status, reply.content, way.origin)
        file.forget()
