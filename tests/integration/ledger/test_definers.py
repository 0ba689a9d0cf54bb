"""What the ledger's owner does for a service can be had by nobody for anything else."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import msgspec
import pytest

from shared.ledger.init import generate_passwords, initialise, uninstall
from shared.postgres.pools import Session, open_pool
from shared.settings.addresses import PostgresAddress
from shared.settings.secret import Secret
from tests.conftest import DatabaseFactory
from tests.ledgers.ledger import Ledger, PlannedMapping, address_of

TARGET = """
    create table public.people (id uuid primary key);
    create table public.visits (id uuid primary key, person_id uuid references public.people (id), said text);
    create index visits_said on public.visits (said);
    create schema elsewhere;
    create table elsewhere.secrets (id uuid primary key);
    create table elsewhere.visits (id uuid primary key, secret_id uuid references elsewhere.secrets (id));
"""
PLANNED = (PlannedMapping(name="people", table="people"), PlannedMapping(name="visits", table="visits"))
MAKE = "select transfuse.make_shadow($1, $2::text::jsonb)"


class Guarded(msgspec.Struct, frozen=True, kw_only=True):
    """A target with the services' roles, and a run that goes on."""

    admin: PostgresAddress
    prefix: str
    passwords: dict[str, str]
    ledger: Ledger
    run: UUID

    async def service(self, name: str) -> asyncpg.Connection:
        login = msgspec.structs.replace(self.admin, user=f"{self.prefix}_{name}", password=Secret(self.passwords[name]))
        return await asyncpg.connect(login.url.reveal())

    async def shadow(self, *tables: tuple[str, str]) -> str:
        """The schema of the copies of a dry run, made by the loader."""
        await self.ledger.connection.execute("update transfuse.run set kind = 'validate', mode = 'check'")
        loader = await self.service("loader")
        asked = [{"schema": schema, "table": table, "identity": ["id"]} for schema, table in tables]
        assert await loader.fetchval(MAKE, self.run, msgspec.json.encode(asked).decode()) == "ready"
        await loader.close()
        name: str = await self.ledger.connection.fetchval("select transfuse.shadow_schema($1)", self.run)
        return name


@pytest.fixture
async def guarded(new_database: DatabaseFactory) -> AsyncIterator[Guarded]:
    """The tables, the roles, a run over both tables."""
    admin = address_of(await new_database("definers"))
    prefix = f"tf_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(admin.url.reveal())
    await connection.execute(TARGET)
    passwords = generate_passwords()
    await initialise(admin, passwords=passwords, role_prefix=prefix)
    async with open_pool(admin, "ledger", Session()) as pool:
        ledger = Ledger(admin, pool, connection)
        run = await ledger.running(*PLANNED)
        yield Guarded(admin=admin, prefix=prefix, passwords=passwords, ledger=ledger, run=run)
    await uninstall(admin)
    await connection.close()


async def test_the_guard_of_a_copy_runs_nothing_of_the_loaders_with_the_owners_rights(guarded: Guarded) -> None:
    shadow = await guarded.shadow(("public", "people"), ("public", "visits"))
    guard = await guarded.ledger.connection.fetchval(
        "select p.oid::regprocedure::text from pg_proc p where p.pronamespace = $1::text::regnamespace and p.prosecdef",
        shadow,
    )
    await guarded.ledger.connection.execute("insert into public.people values ('00000000-0000-0000-0000-000000000001')")
    loader = await guarded.service("loader")
    await loader.execute(
        """create type pg_temp.bait as (x text);
           create function pg_temp.bite(pg_temp.bait) returns uuid language plpgsql as $$
               begin
                   create table if not exists public.made_by_the_owner ();
                   return '00000000-0000-0000-0000-000000000001';
               end $$;
           create cast (pg_temp.bait as uuid) with function pg_temp.bite(pg_temp.bait) as implicit;
           create temporary table trap (id uuid, person_id pg_temp.bait)"""
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await loader.execute(
            f"""create trigger shut after insert on trap referencing new table as added
                    for each statement execute function {guard};
                insert into trap values (gen_random_uuid(), row('x'))"""  # noqa: S608 - as the catalogue writes it
        )
    await loader.close()
    assert await guarded.ledger.connection.fetchval("select to_regclass('public.made_by_the_owner') is null")


async def test_no_constraint_goes_for_a_run_that_did_not_ask_for_it_or_is_over(guarded: Guarded) -> None:
    connection = guarded.ledger.connection
    await connection.execute("update transfuse.run_mapping set found_columns = '{person_id}' where mapping = 'visits'")
    gateway = await guarded.service("gateway")
    assert await gateway.fetchval("select transfuse.suspend_constraints($1)", guarded.run) == 0
    await connection.execute("""update transfuse.run set options = '{"suspend_constraints": true}', state = 'failed'""")
    assert await gateway.fetchval("select transfuse.suspend_constraints($1)", guarded.run) == 0
    await gateway.close()
    assert await connection.fetchval("select count(*) from transfuse.suspended_constraint") == 0
    assert await connection.fetchval("select count(*) from transfuse.constraint_hold") == 0


async def test_copies_are_made_of_tables_of_the_loaders_schemas_alone(guarded: Guarded) -> None:
    shadow = await guarded.shadow(("public", "visits"), ("elsewhere", "visits"))
    guards = await guarded.ledger.connection.fetch(
        "select p.prosrc from pg_proc p where p.pronamespace = $1::text::regnamespace", shadow
    )
    assert not [row for row in guards if "elsewhere" in row["prosrc"]]


async def test_uninstall_leaves_no_copy_of_a_dry_run(guarded: Guarded) -> None:
    shadow = await guarded.shadow(("public", "people"))
    await guarded.ledger.connection.execute(f"insert into {shadow}.people values (gen_random_uuid())")  # noqa: S608
    await uninstall(guarded.admin)
    assert await guarded.ledger.connection.fetchval("select to_regnamespace($1) is null", shadow)
