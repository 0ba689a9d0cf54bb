"""Who a verified token speaks for, and the port of what verifies it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from shared.core.errors import TransfuseError
from shared.identity.permissions import Permission, Role, may


class TokenRefused(TransfuseError):
    """A token that is not accepted; `code` says why to our own logs and audit, never to the caller."""

    code = "token_refused"
    remedy = "Sign in again."


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One signed-in person. `session` names the sign-in that all tokens of it share; times are in UTC."""

    subject: UUID
    role: Role | None
    email: str
    session: str
    issued_at: datetime
    expires_at: datetime

    @property
    def actor(self) -> str:
        """The name under which the audit knows them."""
        return self.email or str(self.subject)

    def may(self, permission: Permission) -> bool:
        """Whether they have a permission."""
        return may(self.role, permission)


class TokenVerifier(Protocol):
    """Turns a bearer token into who it speaks for."""

    async def verify(self, token: str) -> Identity:
        """The identity. Raises TokenRefused, and WorldError where the keys or the deny list cannot be had at all."""
        ...
