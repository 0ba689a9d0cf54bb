"""Tokens as a test needs them, good ones by default."""

from __future__ import annotations

import time
import uuid
from typing import Any

import jwt

SECRET = "a-secret-of-the-tests-that-is-long-enough-for-hs256"
ISSUER = "transfuse"
AUDIENCE = "authenticated"


def claims_of(role: str | None = "admin", *, seconds: int = 600, **claims: Any) -> dict[str, Any]:  # noqa: ANN401 - claims are anything
    """Claims of somebody new with `role` in app_metadata, good for `seconds`. `claims` replace; None removes."""
    now = int(time.time())
    found: dict[str, Any] = {
        "sub": str(uuid.uuid4()),
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + seconds,
        "role": "authenticated",
        "session_id": str(uuid.uuid4()),
        "email": "someone@example.org",
        "app_metadata": {} if role is None else {"role": role},
        **claims,
    }
    return {name: value for name, value in found.items() if value is not None}


def token(role: str | None = "admin", *, seconds: int = 600, secret: str = SECRET, **claims: Any) -> str:  # noqa: ANN401 - claims are anything
    """A token with the claims of `claims_of`, under `secret`."""
    return jwt.encode(claims_of(role, seconds=seconds, **claims), secret, algorithm="HS256")
