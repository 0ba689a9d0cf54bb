"""Documents of signing in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from shared.core.document import Document, Form
from shared.identity.permissions import Permission, Role
from shared.identity.verifier import Authentication
from shared.ledger.accounts import EMAIL, EMAIL_WORDS

Email = Annotated[str, Meta(max_length=254, pattern=EMAIL, description=EMAIL_WORDS, examples=["ops@example.org"])]
Password = Annotated[str, Meta(min_length=1, max_length=256, description="Never logged, never shown again.")]


class LoginForm(Form, frozen=True, kw_only=True):
    """Who wants to sign in. An e-mail's case does not matter."""

    email: Email
    password: Password

    def __repr__(self) -> str:
        return "LoginForm(…)"


class RefreshForm(Form, frozen=True, kw_only=True):
    """Nothing: the cookie says it all."""


class LogoutForm(Form, frozen=True, kw_only=True):
    """`everywhere` ends the sessions on all devices."""

    everywhere: bool = False


class SignedInUser(Document, frozen=True, kw_only=True):
    """Who has signed in."""

    id: UUID
    email: str
    role: Role


class SignedInDocument(Document, frozen=True, kw_only=True):
    """A token for the Authorization header; `expiresIn` in seconds. What prolongs it is in a cookie."""

    access_token: str
    expires_in: int
    user: SignedInUser


class MeDocument(Document, frozen=True, kw_only=True):
    """Who the token speaks for. `role` null: signed in and allowed nothing. `expiresAt` is the token's end."""

    id: UUID
    email: str
    role: Role | None
    permissions: tuple[Permission, ...]
    expires_at: datetime
    authentication: Authentication
