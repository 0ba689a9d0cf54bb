"""From a token's text to its claims, and from verified claims to an identity."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import jwt
import msgspec

from shared.identity.identity import Identity, TokenRefused
from shared.identity.keys import VerificationKey
from shared.identity.permissions import Role

LEEWAY_SECONDS = 30
"""How far the clocks of who signs and who verifies may be apart."""
LONGEST_TOKEN = 7168
AUTHENTICATED = "authenticated"
"""The `role` claim of a signed-in person; the keys of a Supabase project carry `anon` or `service_role`."""

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LAST_SECOND = 253402300799
_REFUSED_HEADERS = frozenset({"crit", "b64"})
"""Extensions that change how a token is to be read: none is known here, so none is let pass."""
_OPTIONS: Any = {"require": ["exp", "iat", "sub", "aud", "iss"], "enforce_minimum_key_length": True}
_WORDS = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not_yet_valid"),
    (jwt.InvalidAudienceError, "wrong_audience"),
    (jwt.InvalidIssuerError, "wrong_issuer"),
    (jwt.MissingRequiredClaimError, "missing_claim"),
    (jwt.InvalidAlgorithmError, "wrong_algorithm"),
    (jwt.InvalidSignatureError, "bad_signature"),
)

_Second = Annotated[float, msgspec.Meta(ge=0, le=_LAST_SECOND)]


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    sub: UUID
    role: str
    iat: _Second
    exp: _Second
    email: Annotated[str, msgspec.Meta(max_length=320)] | None = None
    session_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    app_metadata: dict[str, Any] | None = None


def key_id(token: str) -> str:
    """The `kid` of a token of the right shape, empty where it names none. Nothing of it is verified yet.

    Raises TokenRefused for what is no token of ours at all.
    """
    if len(token) > LONGEST_TOKEN or not _SHAPE.fullmatch(token):
        raise TokenRefused("a token has another shape", code="malformed")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError) as error:
        raise TokenRefused("a token cannot be read", code="malformed") from error
    if _REFUSED_HEADERS & header.keys():
        raise TokenRefused("a token has an extension that is not known", code="unknown_extension")
    kid = header.get("kid", "")
    if not isinstance(kid, str):
        raise TokenRefused("a token names its key by another type than text", code="malformed")
    return kid


def verified_identity(token: str, key: VerificationKey, *, issuer: str, audience: str) -> Identity:
    """Who a token speaks for, once its signature and claims hold. Raises TokenRefused with the reason as its code."""
    try:
        found = jwt.decode(
            token,
            key.material,
            algorithms=[key.algorithm],
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options=_OPTIONS,
        )
        claims = msgspec.convert(found, _Claims)
    except jwt.PyJWTError as error:
        code = next((word for kind, word in _WORDS if isinstance(error, kind)), "malformed")
        raise TokenRefused("a token does not verify", code=code) from error
    except (msgspec.ValidationError, ValueError, TypeError, OverflowError) as error:
        raise TokenRefused("a token's claims are not as they should be", code="malformed") from error
    if claims.role != AUTHENTICATED:
        raise TokenRefused("a token is no person's", code="wrong_role")
    return Identity(
        subject=claims.sub,
        role=_role((claims.app_metadata or {}).get("role")),
        email=claims.email or "",
        session=claims.session_id or "",
        issued_at=datetime.fromtimestamp(claims.iat, UTC),
        expires_at=datetime.fromtimestamp(claims.exp, UTC),
    )


def _role(word: object) -> Role | None:
    """Ours, from the metadata that only the project's administrators write; an unknown word is no role."""
    return Role(word) if isinstance(word, str) and word in set(Role) else None
