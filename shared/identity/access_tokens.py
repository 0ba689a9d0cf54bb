"""Access tokens of local accounts: short-lived, verified like Supabase's."""

from __future__ import annotations

import time
from datetime import datetime
from uuid import UUID

import jwt

from shared.identity.claims import AUTHENTICATED
from shared.ledger.accounts import Account
from shared.settings.secret import Secret

ACCESS_SECONDS = 600


class AccessTokens:
    """Signs with HS256 under JWT_SECRET, for ten minutes or what is left of the session."""

    def __init__(self, secret: Secret, *, issuer: str, audience: str) -> None:
        self._secret = secret
        self._issuer = issuer
        self._audience = audience

    def issue(self, account: Account, session: UUID, ends_at: datetime) -> tuple[Secret, int]:
        """A token and the seconds that it is good for."""
        now = int(time.time())
        seconds = max(1, min(ACCESS_SECONDS, int(ends_at.timestamp()) - now))
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(account.id),
            "role": AUTHENTICATED,
            "session_id": str(session),
            "email": account.email,
            "app_metadata": {"role": account.role.value},
            "iat": now,
            "exp": now + seconds,
        }
        return Secret(jwt.encode(claims, self._secret.reveal(), algorithm="HS256")), seconds
