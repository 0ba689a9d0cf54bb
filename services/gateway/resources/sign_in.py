"""Signing in and out. With Supabase people sign in there; what is left here is signing out, and who one is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from services.gateway.api.endpoint import Answer, Call, Endpoint, Limit, Nothing, Recorded, Tag
from services.gateway.api.problems import ApiError, conflict
from services.gateway.api.surroundings import Surroundings
from services.gateway.documents.sign_in import (
    LoginForm,
    LogoutForm,
    MeDocument,
    RefreshForm,
    SignedInDocument,
    SignedInUser,
)
from shared.identity.deny_list import until
from shared.identity.permissions import GRANTED, Permission
from shared.identity.sign_ins import SignedIn, SignInRefused, SignIns, TokenReused
from shared.identity.verifier import Authentication, authentication_of
from shared.ledger.sessions import IDLE_SECONDS
from shared.settings.environ import Environment

COOKIE: Final = "transfuse_refresh"
COOKIE_PATH: Final = "/api/auth"
SUPABASE_REVOKED_SECONDS: Final = 30 * 24 * 3600
"""How long a Supabase session that was signed out stays refused: longer than any token of it can live."""


async def log_in(call: Call[Nothing, Nothing, LoginForm]) -> Answer[SignedInDocument]:
    sign_ins = local_sign_ins(call.api)
    try:
        found = await sign_ins.sign_in(call.body.email, call.body.password)
    except SignInRefused as error:
        raise _refused(error) from error
    return _signed_in(call.api, found)


async def refresh(call: Call[Nothing, Nothing, RefreshForm]) -> Answer[SignedInDocument]:
    """Nothing (204) where no cookie comes: nobody is signed in here, which is no error of a page that is opened."""
    sign_ins, token = local_sign_ins(call.api), call.cookies.get(COOKIE, "")
    if not token:
        return Answer(status=HTTPStatus.NO_CONTENT)
    forgotten = _cookie(call.api, "", 0)
    try:
        found = await sign_ins.prolong(token)
    except TokenReused as error:
        known = {"reason": "reused", "account": str(error.account), "session": str(error.session)}
        raise _refused(error, forgotten=forgotten, audit=known) from error
    except SignInRefused as error:
        raise _refused(error, forgotten=forgotten) from error
    return _signed_in(call.api, found)


async def log_out(call: Call[Nothing, Nothing, LogoutForm]) -> Answer[None]:
    identity, sign_ins = call.caller.identity, call.api.sign_ins
    accounts = frozenset({identity.subject} if identity else ())
    if sign_ins is not None:
        accounts = await sign_ins.sign_out(identity, call.cookies.get(COOKIE, ""), everywhere=call.body.everywhere)
    elif identity is not None:
        end = until(SUPABASE_REVOKED_SECONDS)
        await call.api.deny_list.revoke(identity, end, everywhere=call.body.everywhere)
    names = " ".join(sorted(str(account) for account in accounts))
    return Answer(
        set_cookies=(_cookie(call.api, "", 0),),
        audit={"account": names, "everywhere": int(call.body.everywhere)},
    )


async def read_me(call: Call[Nothing, Nothing, None]) -> MeDocument:
    who = call.caller.who
    granted = frozenset[Permission]() if who.role is None else GRANTED[who.role]
    return MeDocument(
        id=who.subject,
        email=who.email,
        role=who.role,
        permissions=tuple(sorted(granted - {Permission.ANYONE, Permission.SIGNED_IN})),
        expires_at=who.expires_at,
        authentication=authentication_of(call.api.settings),
    )


def local_sign_ins(api: Surroundings) -> SignIns:
    """What signs local accounts in. Raises ApiError 409 where there are none."""
    if api.sign_ins is not None:
        return api.sign_ins
    if authentication_of(api.settings) is Authentication.SUPABASE:
        raise conflict("People sign in at Supabase.", code="not_available", remedy="Sign in at Supabase.")
    raise conflict(
        "Nothing is set that tokens could be signed with.",
        code="not_available",
        remedy="Set JWT_SECRET, or SUPABASE_URL where people sign in at Supabase.",
    )


def _signed_in(api: Surroundings, found: SignedIn) -> Answer[SignedInDocument]:
    account, session = found.account, found.session
    seconds = min(IDLE_SECONDS, int(session.ends_at.timestamp() - time.time()))
    return Answer(
        document=SignedInDocument(
            access_token=found.access_token.reveal(),
            expires_in=found.seconds,
            user=SignedInUser(id=account.id, email=account.email, role=account.role),
        ),
        set_cookies=(_cookie(api, session.refresh_token.reveal(), seconds),),
        audit={"subject": str(account.id), "account": str(account.id), "session": str(session.id)},
        actor=account.email,
    )


def _cookie(api: Surroundings, token: str, seconds: int) -> str:
    """The cookie that only this part of the API is sent and no script reads; no seconds: forget it."""
    secure = "; Secure" if api.settings.environment is Environment.PRODUCTION else ""
    return f"{COOKIE}={token}; Path={COOKIE_PATH}; Max-Age={max(seconds, 0)}; HttpOnly; SameSite=Strict{secure}"


def _refused(error: SignInRefused, *, forgotten: str = "", audit: Mapping[str, str] | None = None) -> ApiError:
    headers = {"Set-Cookie": forgotten} if forgotten else {}
    return ApiError(
        HTTPStatus.UNAUTHORIZED, str(error), code=error.code, remedy=error.remedy, headers=headers, audit=audit
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/auth/login",
        operation_id="logIn",
        permission=Permission.ANYONE,
        summary="Sign in with a local account",
        tag=Tag.SIGN_IN,
        handler=log_in,
        body=LoginForm,
        answer=SignedInDocument,
        also={401: None, 409: None},
        headers=("Set-Cookie",),
        limit=Limit.SIGN_INS,
        audit="auth.login",
    ),
    Endpoint(
        method="POST",
        path="/api/auth/refresh",
        operation_id="refreshToken",
        permission=Permission.ANYONE,
        summary="The next access token, for the cookie of the last one",
        tag=Tag.SIGN_IN,
        handler=refresh,
        body=RefreshForm,
        answer=SignedInDocument,
        also={204: None, 401: None, 409: None},
        headers=("Set-Cookie",),
        audit="auth.refresh",
        recorded=Recorded.FAILURES,
    ),
    Endpoint(
        method="POST",
        path="/api/auth/logout",
        operation_id="logOut",
        permission=Permission.ANYONE,
        summary="End this session, or all of this account",
        tag=Tag.SIGN_IN,
        handler=log_out,
        body=LogoutForm,
        status=HTTPStatus.NO_CONTENT,
        headers=("Set-Cookie",),
        audit="auth.logout",
    ),
    Endpoint(
        method="GET",
        path="/api/auth/me",
        operation_id="readMe",
        permission=Permission.SIGNED_IN,
        summary="Who is signed in and what they may do",
        tag=Tag.SIGN_IN,
        handler=read_me,
        answer=MeDocument,
    ),
)
