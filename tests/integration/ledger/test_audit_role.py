"""The owner of the audit: a role that nobody logs in as, whoever initialises."""

from __future__ import annotations

import secrets

import asyncpg
import msgspec
import pytest

from shared.ledger.audit import Audit, AuditEntry
from shared.ledger.init import audit_role, initialise, uninstall
from shared.postgres.pools import Session, open_pool
from shared.settings.secret import Secret
from tests.conftest import DatabaseFactory
from tests.ledgers.ledger import address_of

OWNERS = """
    select relname, pg_get_userbyid(relowner) as owner from pg_class
     where relnamespace = 'transfuse'::regnamespace and relname in ('audit', 'audit_head')
    union all
    select proname, pg_get_userbyid(proowner) from pg_proc
     where pronamespace = 'transfuse'::regnamespace and proname = 'append_audit'
"""
OWNED = {"audit", "audit_head", "append_audit"}


async def test_the_audit_belongs_to_a_role_that_nobody_can_log_in_as_and_uninstall_drops_it(
    new_database: DatabaseFactory,
) -> None:
    admin = address_of(await new_database("audit"))
    prefix = f"tf_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(admin.url.reveal())
    await initialise(admin, role_prefix=prefix)
    role = await connection.fetchrow("select * from pg_roles where rolname = $1", audit_role(prefix))
    for may in ("rolcanlogin", "rolsuper", "rolcreaterole", "rolcreatedb", "rolbypassrls", "rolreplication"):
        assert not role[may]
    assert {row["relname"]: row["owner"] for row in await connection.fetch(OWNERS)} == dict.fromkeys(
        OWNED, audit_role(prefix)
    )
    assert not await connection.fetchval("select has_schema_privilege($1, 'transfuse', 'create')", audit_role(prefix))
    members = "select count(*) from pg_auth_members where roleid = $1::regrole and member <> $2::regrole"
    assert await connection.fetchval(members, audit_role(prefix), admin.user) == 0
    await uninstall(admin)
    assert await connection.fetchval("select count(*) from pg_roles where rolname = $1", audit_role(prefix)) == 0
    await connection.close()


async def test_an_owner_who_is_no_superuser_hands_the_audit_over_and_can_change_it_no_more(
    new_database: DatabaseFactory,
) -> None:
    address = address_of(await new_database("audit"))
    prefix = f"tf_{secrets.token_hex(4)}"
    owner = f"{prefix}_owner"
    server = await asyncpg.connect(address.url.reveal())
    await server.execute(f"create role {owner} login createrole password 'owner'")
    await server.execute(f'alter database "{address.database}" owner to {owner}; alter schema public owner to {owner}')
    admin = msgspec.structs.replace(address, user=owner, password=Secret("owner"))
    connection = await asyncpg.connect(admin.url.reveal())
    try:
        given = await initialise(admin, role_prefix=prefix)
        await initialise(admin, role_prefix=prefix)
        assert {row["relname"]: row["owner"] for row in await connection.fetch(OWNERS)} == dict.fromkeys(
            OWNED, audit_role(prefix)
        )
        gateway = msgspec.structs.replace(address, user=f"{prefix}_gateway", password=given["gateway"])
        async with open_pool(gateway, "ledger", Session()) as pool:
            assert await Audit(pool).append(AuditEntry(actor="ada", action="x")) == 1
            assert (await Audit(pool).verify()).whole
        for statement in (
            "update transfuse.audit set actor = 'x'",
            "delete from transfuse.audit",
            "truncate transfuse.audit",
            "update transfuse.audit_head set seq = 0",
            "select transfuse.append_audit('x', '', 'x', '', '', 'done', '', '', '{}')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await uninstall(admin)
        assert await server.fetchval("select count(*) from pg_roles where rolname like $1", f"{prefix}_%") == 1
    finally:
        await connection.close()
        await server.execute(f"reassign owned by {owner} to current_user; drop owned by {owner}; drop role {owner}")
        await server.close()
