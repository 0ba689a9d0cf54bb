"""The permission matrix: deny by default."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What an account may be; a signed-in person without a role may nothing but see who they are."""

    ADMIN = "admin"
    MIGRATION_MANAGER = "migration_manager"
    VIEWER = "viewer"


class Permission(StrEnum):
    """What an endpoint or a socket event asks for. `ANYONE` and `SIGNED_IN` are said aloud, never a default."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"
    MIGRATION_READ = "migration:read"
    MIGRATION_CREATE = "migration:create"
    MIGRATION_START = "migration:start"
    MIGRATION_CANCEL = "migration:cancel"
    MIGRATION_PAUSE = "migration:pause"
    MIGRATION_DELETE = "migration:delete"
    MIGRATION_PLAN = "migration:plan"
    MIGRATION_REPLAY = "migration:replay"
    MIGRATION_UNDO = "migration:undo"
    HEALTH_READ = "health:read"
    QUARANTINE_UNMASK = "quarantine:unmask"
    AUDIT_READ = "audit:read"
    USER_READ = "user:read"
    USER_WRITE = "user:write"


_OF_MIGRATIONS = frozenset(permission for permission in Permission if permission.startswith("migration:"))

GRANTED = MappingProxyType(
    {
        Role.ADMIN: frozenset(Permission),
        Role.MIGRATION_MANAGER: _OF_MIGRATIONS | {Permission.HEALTH_READ},
        Role.VIEWER: frozenset({Permission.MIGRATION_READ, Permission.HEALTH_READ}),
    }
)
"""Who may what, besides ANYONE and SIGNED_IN."""


def may(role: Role | None, permission: Permission) -> bool:
    """Whether somebody signed in with `role` (None: without one) has a permission."""
    if permission in {Permission.ANYONE, Permission.SIGNED_IN}:
        return True
    return role is not None and permission in GRANTED[role]
