from __future__ import annotations

import asyncpg
import msgspec
import pytest

from services.extractor.preflight import PreflightFailed, check_legacy, check_target
from shared.core.checks import Check, CheckState, failures
from shared.core.states import LoadMode
from shared.ledger.migrate import migrate
from shared.plan.compiled import CompiledPlan
from shared.postgres.identifiers import TableName
from shared.postgres.introspection import read_catalog
from shared.postgres.pools import Session, connect
from tests.conftest import DatabaseFactory
from tests.integration.extractor.conftest import RoleFactory, address_of, mapping_of

HOSTILE = 'my "table" ☂'
TABLES = f"""
create table "{HOSTILE.replace('"', '""')}" (id integer, "select" text, secret text);
create table other (id integer);
create table contact (id integer);
"""


def plan_of(*columns: str) -> CompiledPlan:
    """A plan that reads some columns of the hostile table, and counts `contact`."""
    hostile, contact = TableName(schema="public", name=HOSTILE), TableName(schema="public", name="contact")
    mapping = mapping_of("public.t", {"t.id": "integer"})
    source = msgspec.structs.replace(
        mapping.source, driving=hostile, tables=(hostile, contact), read_columns={str(hostile): columns}
    )
    load = msgspec.structs.replace(mapping.load, table=TableName(schema="public", name="Target Table"))
    return CompiledPlan(
        name="p", hash="", namespace="", namespace_secret="", keys="uuid5", transfuse_version="", duckdb_version="",
        source_fingerprint="", target_fingerprint="",
        mappings=(msgspec.structs.replace(mapping, source=source, load=load),),
    )  # fmt: skip


NOTHING = msgspec.structs.replace(plan_of(), mappings=())


def named(checks: list[Check], name: str) -> Check:
    (found,) = [check for check in checks if check.name == name]
    return found


async def legacy_checks(url: str, role: str, plan: CompiledPlan) -> list[Check]:
    connection = await connect(address_of(url, user=role, password="reader"), "legacy", Session(read_only=True))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await check_legacy(connection, plan, await read_catalog(connection, "public"))
    finally:
        await connection.close()


async def test_a_missing_right_is_told_with_the_exact_grant_that_mends_it(
    legacy: asyncpg.Connection, legacy_url: str, new_role: RoleFactory
) -> None:
    await legacy.execute(TABLES)
    role = await new_role("reader")
    plan = plan_of("id", "select")
    (failed,) = failures(await legacy_checks(legacy_url, role, plan))
    assert failed.name == "legacy_readable"
    assert f'GRANT SELECT ON "public"."my ""table"" ☂" TO "{role}";' in failed.fix
    await legacy.execute(failed.fix)
    checks = await legacy_checks(legacy_url, role, plan)
    assert {check.state for check in checks} == {CheckState.PASSED}
    await legacy.execute(f'drop owned by "{role}"')


async def test_a_missing_right_on_the_schema_is_told_too(
    legacy: asyncpg.Connection, legacy_url: str, new_role: RoleFactory
) -> None:
    role = await new_role("reader")
    await legacy.execute(TABLES + "revoke usage on schema public from public")
    (failed,) = failures(await legacy_checks(legacy_url, role, plan_of("id")))
    assert f'GRANT USAGE ON SCHEMA "public" TO "{role}";' in failed.fix
    await legacy.execute(failed.fix)
    assert failures(await legacy_checks(legacy_url, role, plan_of("id"))) == ()
    await legacy.execute(f'drop owned by "{role}"')


async def test_rights_on_the_selected_columns_are_enough_and_others_are_missed(
    legacy: asyncpg.Connection, legacy_url: str, new_role: RoleFactory
) -> None:
    role = await new_role("reader")
    await legacy.execute(TABLES)
    await legacy.execute(
        f'grant select (id, "select") on "my ""table"" ☂" to "{role}"; grant select (id) on contact to "{role}"'
    )
    assert failures(await legacy_checks(legacy_url, role, plan_of("id", "select"))) == ()
    assert len(failures(await legacy_checks(legacy_url, role, plan_of("id", "secret")))) == 1
    await legacy.execute(f'drop owned by "{role}"')


async def test_rights_beyond_reading_are_reported(
    legacy: asyncpg.Connection, legacy_url: str, new_role: RoleFactory
) -> None:
    role = await new_role("reader")
    await legacy.execute(
        TABLES + f'grant select on all tables in schema public to "{role}"; grant delete on contact to "{role}"'
    )
    check = named(await legacy_checks(legacy_url, role, plan_of("id")), "legacy_least_rights")
    assert check.state is CheckState.WARNING
    assert "may change public.contact" in check.message
    assert "may read unmapped other" in check.message
    await legacy.execute(f'drop owned by "{role}"')


async def test_row_security_that_would_hide_rows_is_refused(
    legacy: asyncpg.Connection, legacy_url: str, new_role: RoleFactory
) -> None:
    role = await new_role("reader")
    await legacy.execute(
        TABLES
        + f'grant select on all tables in schema public to "{role}"; alter table contact enable row level security'
    )
    (failed,) = failures(await legacy_checks(legacy_url, role, plan_of("id")))
    assert (failed.name, failed.fix) == ("legacy_row_security", f'ALTER ROLE "{role}" BYPASSRLS;')
    await legacy.execute(f'drop owned by "{role}"')


@pytest.mark.parametrize(("encoding", "state"), (("SQL_ASCII", CheckState.FAILED), ("LATIN1", CheckState.PASSED)))
async def test_a_database_that_does_not_say_its_encoding_is_refused(
    postgres_server: str, new_database: DatabaseFactory, encoding: str, state: CheckState
) -> None:
    url = await new_database("encoded")
    name = url.rpartition("/")[2]
    server = await asyncpg.connect(postgres_server)
    await server.execute(f'drop database "{name}"')
    await server.execute(
        f"create database \"{name}\" template template0 encoding '{encoding}' lc_collate 'C' lc_ctype 'C'"
    )
    await server.close()
    connection = await connect(address_of(url), "legacy", Session())
    await connection.execute("create table public.contact (id integer)")
    async with connection.transaction():
        checks = await check_legacy(connection, NOTHING, await read_catalog(connection, "public"))
    await connection.close()
    assert named(checks, "legacy_encoding").state is state


TARGET = """
create table "Target Table" (id uuid primary key);
"""


async def target_checks(
    target: asyncpg.Connection, url: str, role: str, loader: str, mode: LoadMode = LoadMode.INSERT
) -> list[Check]:
    await target.execute(
        f'grant usage on schema transfuse to "{role}"; grant select on transfuse.service_role to "{role}"'
    )
    await target.executemany(
        "insert into transfuse.service_role values ($1, $2, '')", [("extractor", role), ("loader", loader)]
    )
    connection = await connect(address_of(url, user=role, password="reader"), "ledger", Session())
    try:
        return await check_target(connection, plan_of(), mode)
    finally:
        await connection.close()
        await target.execute("truncate transfuse.service_role")


@pytest.fixture
async def target_url(new_database: DatabaseFactory) -> str:
    url = await new_database("target")
    connection = await asyncpg.connect(url)
    await migrate(connection)
    await connection.execute(TARGET)
    await connection.close()
    return url


async def test_the_loaders_rights_are_checked_through_the_extractors_connection(
    target_url: str, new_role: RoleFactory
) -> None:
    role, loader = await new_role("extractor"), await new_role("loader")
    target = await asyncpg.connect(target_url)
    (failed,) = failures(await target_checks(target, target_url, role, loader))
    assert failed.name == "target_writable"
    assert f'GRANT SELECT, INSERT, UPDATE ON "public"."Target Table" TO "{loader}";' in failed.fix
    await target.execute(failed.fix)
    assert failures(await target_checks(target, target_url, role, loader)) == ()

    await target.execute(f'revoke update on "Target Table" from "{loader}"')
    assert failures(await target_checks(target, target_url, role, loader)) == ()
    (failed,) = failures(await target_checks(target, target_url, role, loader, LoadMode.MERGE))
    assert failed.name == "target_writable"
    await target.execute(failed.fix)

    await target.execute('alter table "Target Table" enable row level security')
    (failed,) = failures(await target_checks(target, target_url, role, loader))
    assert failed.name == "target_row_security"
    await target.execute(f'create policy p on "Target Table" for all to "{loader}" using (true) with check (true)')
    assert failures(await target_checks(target, target_url, role, loader)) == ()
    await target.execute(f'drop owned by "{loader}"; drop owned by "{role}"')
    await target.close()


async def test_a_target_without_a_ledger_is_told_to_be_initialised(new_database: DatabaseFactory) -> None:
    connection = await asyncpg.connect(await new_database("target"))
    (check,) = await check_target(connection, plan_of())
    await connection.close()
    assert (check.name, check.state) == ("ledger_ready", CheckState.FAILED)


def test_failed_checks_become_one_error_with_all_fixes() -> None:
    checks = [Check(name=name, state=CheckState.FAILED, message=f"m {name}", fix=f"fix {name}") for name in "ab"]
    error = PreflightFailed(checks)
    assert str(error) == "a: m a\nb: m b"
    assert error.remedy == "fix a\nfix b"
