"""From the request's token to who asks, and whether they may."""

from __future__ import annotations

from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from aiohttp import web

from services.gateway.api.problems import ApiError
from shared.identity.identity import Identity, TokenRefused, TokenVerifier
from shared.identity.permissions import Permission

CHALLENGE: Final = MappingProxyType({"WWW-Authenticate": "Bearer"})


async def identify(verifier: TokenVerifier, request: web.Request, permission: Permission) -> Identity | None:
    """Who asks; None where the endpoint is for anyone and no token came. Raises ApiError 401, and WorldError."""
    header = request.headers.get("Authorization", "")
    if permission is Permission.ANYONE and not header:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError(
            HTTPStatus.UNAUTHORIZED,
            "Nobody is signed in.",
            code="not_signed_in",
            remedy="Sign in, and send the token as `Authorization: Bearer …`.",
            headers=CHALLENGE,
        )
    try:
        return await verifier.verify(token.strip())
    except TokenRefused as error:
        raise ApiError(
            HTTPStatus.UNAUTHORIZED,
            "The token is not accepted.",
            code="token_refused",
            remedy="Sign in again.",
            headers=CHALLENGE,
        ) from error


def admit(identity: Identity | None, permission: Permission) -> None:
    """Return where the permission is theirs. Raises ApiError 403."""
    if permission is Permission.ANYONE or (identity is not None and identity.may(permission)):
        return
    raise ApiError(
        HTTPStatus.FORBIDDEN,
        "This account may not do that.",
        code="forbidden",
        remedy=f"Ask an administrator for the permission {permission}.",
    )
