"""The portal's target: the schema the plan moves the legacy database into."""

from __future__ import annotations

from contextlib import suppress
from importlib import resources

import asyncpg

from shared.core.errors import Refused

ROLES = (
    ("anon", "create role anon nologin"),
    ("authenticated", "create role authenticated nologin"),
    ("service_role", "create role service_role nologin bypassrls"),
)


async def create_target(dsn: str) -> None:
    """Run `target_schema.sql` in the database `dsn`. Raises `Refused` when it already has the portal's tables."""
    db = await asyncpg.connect(dsn)
    try:
        if await db.fetchval("select to_regclass('public.system_messages')"):
            raise Refused(
                "this database already has the portal's target in it",
                remedy="Name an empty database.",
                code="not_empty",
            )
        await create_roles(db)
        await db.execute(resources.files(__package__).joinpath("target_schema.sql").read_text(encoding="utf-8"))
    finally:
        await db.close()


async def create_roles(db: asyncpg.Connection) -> None:
    """Supabase's roles where a plain PostgreSQL lacks them.

    Roles belong to the whole server: another database's set-up may create them at the same moment, which is just as good.
    """
    for name, statement in ROLES:
        if not await db.fetchval("select 1 from pg_roles where rolname = $1", name):
            with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                await db.execute(statement)
