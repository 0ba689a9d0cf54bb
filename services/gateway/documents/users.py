"""Documents of local accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from services.gateway.documents.sign_in import Email
from shared.core.document import Document, Form
from shared.identity.permissions import Role

NewPassword = Annotated[str, Meta(min_length=12, max_length=256, description="Never logged, never shown again.")]


class UserPath(Form, frozen=True, kw_only=True):
    """The account of a path."""

    id: UUID


class UserForm(Form, frozen=True, kw_only=True):
    """A new account."""

    email: Email
    role: Role
    password: NewPassword

    def __repr__(self) -> str:
        return "UserForm(…)"


class UserChangeForm(Form, frozen=True, kw_only=True):
    """What is to be changed; what is null stays. Another role, a new password and `disabled` end all its sessions."""

    role: Role | None = None
    disabled: bool | None = None
    password: NewPassword | None = None

    def __repr__(self) -> str:
        return "UserChangeForm(…)"


class UserDocument(Document, frozen=True, kw_only=True):
    """One account."""

    id: UUID
    email: str
    role: Role
    disabled: bool
    created_at: datetime
    changed_at: datetime
    last_sign_in_at: datetime | None


class UserList(Document, frozen=True, kw_only=True):
    """All accounts, by e-mail."""

    users: tuple[UserDocument, ...]
    total: int
