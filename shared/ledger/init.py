"""`transfuse init`: the ledger's tables and one role per service, with exactly the rights that its work needs."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.ledger.migrate import migrate
from shared.ledger.scram import scram_verifier
from shared.postgres.identifiers import Identifier, TableName, literal
from shared.postgres.pools import Session, connect
from shared.postgres.sql_files import load_sql
from shared.settings.addresses import PostgresAddress
from shared.settings.secret import Secret

SQL = load_sql("shared.ledger", "roles.sql")
SERVICES = ("gateway", "extractor", "transformer", "loader", "notifier")
_PASSWORD_BYTES = 24


class ServiceRole(msgspec.Struct, frozen=True, kw_only=True):
    """The two roles of one service: `login`, and `group`, which holds the rights in this database."""

    service: str
    login: str
    group: str


def service_roles(role_prefix: str = "transfuse") -> tuple[ServiceRole, ...]:
    """The roles of all services under a prefix: `transfuse_loader`, member of `transfuse_loader_rights`."""
    return tuple(
        ServiceRole(service=name, login=f"{role_prefix}_{name}", group=f"{role_prefix}_{name}_rights")
        for name in SERVICES
    )


def audit_role(role_prefix: str = "transfuse") -> str:
    """The owner of the audit, a role without login: `transfuse_audit`."""
    return f"{role_prefix}_audit"


def generate_passwords() -> dict[str, str]:
    """A new password per service, to replace what is lost or known to too many."""
    return {service: secrets.token_urlsafe(_PASSWORD_BYTES) for service in SERVICES}


async def initialise(
    admin: PostgresAddress,
    *,
    passwords: Mapping[str, str] | None = None,
    loader_schemas: tuple[str, ...] = ("public",),
    role_prefix: str = "transfuse",
) -> dict[str, Secret]:
    """Bring the ledger, the services' roles and their rights to this version, in one transaction; idempotent.

    `admin` owns the target's tables and may create roles. `passwords` are by service; a service that is not in it keeps
    the password it has, or gets a generated one when its role is new. Gives the passwords that were set, by service.
    Roles belong to the whole cluster: a second ledger there needs a `role_prefix` of its own.
    Raises Refused (`no_schema`, `ledger_ahead`, `ledger_differs`, `may_not_initialise`) and what `connect` raises.
    """
    roles = service_roles(role_prefix)
    async with _admin(admin) as connection, connection.transaction():
        try:
            await migrate(connection)
            await _check_schemas(connection, loader_schemas)
            given = [await _make(connection, role, (passwords or {}).get(role.service)) for role in roles]
            async with _audit_owned(connection, audit_role(role_prefix)):
                await _grant(connection, roles, loader_schemas)
        except asyncpg.InsufficientPrivilegeError as error:
            raise Refused(
                "The role of this connection may not create a schema and the roles of the services.",
                remedy="Initialise as the database's owner with CREATEROLE (on Supabase: postgres).",
                code="may_not_initialise",
            ) from error
    return {role.service: secret for role, secret in zip(roles, given, strict=True) if secret is not None}


async def uninstall(admin: PostgresAddress) -> None:
    """Drop the ledger, take all rights back and drop the roles, unless another database of the cluster uses them.

    The rows that were loaded stay. Does nothing where there is no ledger.
    """
    async with _admin(admin) as connection, connection.transaction():
        if not await connection.fetchval(SQL["schema_exists"], "transfuse"):
            return
        roles = [
            ServiceRole(service=row["service"], login=row["login_role"], group=row["group_role"])
            for row in await connection.fetch(SQL["noted_roles"])
        ]
        for row in await connection.fetch(SQL["noted_schemas"]):
            await _leave_schema(connection, row["name"], roles)
        for row in await connection.fetch(SQL["admissions"]):
            table = TableName(schema=row["schema"], name=row["name"])
            await connection.execute(SQL["dismiss_loader"].replace(":table", table.sql))
        for row in await connection.fetch(SQL["copies"]):
            await connection.execute(SQL["drop_copies"].replace(":schema", Identifier(row["name"])))
        await connection.execute(SQL["drop_ledger"])
        for role in roles:
            for name in (role.login, role.group):
                await _drop_role(connection, name)


@asynccontextmanager
async def _admin(address: PostgresAddress) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(address, "target", Session())
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _audit_owned(connection: asyncpg.Connection, role: str) -> AsyncIterator[None]:
    """Hand the audit over to its role, of which the administrator is a member as long as rights to it are granted.

    A superuser needs no membership; Supabase's `postgres`, which is none, would be refused without.
    """
    await _create(connection, "make_group", role)
    await connection.execute(SQL["note_role"], "audit", role, role)
    owner = await connection.fetchval(SQL["audit_owner"])
    joined: set[str] = set()
    if not await connection.fetchval(SQL["is_superuser"]):
        joined = {role, owner} - {await connection.fetchval(SQL["current_role"])}
    for name in sorted(joined):
        await connection.execute(SQL["become"].replace(":role", Identifier(name)))
    if owner != role:
        await connection.execute(SQL["hand_audit_over"].replace(":role", Identifier(role)))
    yield
    for name in sorted(joined):
        await connection.execute(SQL["leave"].replace(":role", Identifier(name)))


async def _check_schemas(connection: asyncpg.Connection, schemas: tuple[str, ...]) -> None:
    for schema in schemas:
        if not await connection.fetchval(SQL["schema_exists"], schema):
            raise Refused(
                f"The target database has no schema {schema}.",
                remedy="Create the target's tables first, or name their schema.",
                code="no_schema",
            )


async def _make(connection: asyncpg.Connection, role: ServiceRole, password: str | None) -> Secret | None:
    """Both roles of a service, and the password that was set, if any."""
    await _create(connection, "make_group", role.group)
    new = await _create(connection, "make_login", role.login)
    if new or not await connection.fetchval(SQL["is_member"], role.login, role.group):
        await connection.execute(
            SQL["join_group"].replace(":role", Identifier(role.group)).replace(":login", Identifier(role.login))
        )
    if password is None and not new:
        return None
    password = password or secrets.token_urlsafe(_PASSWORD_BYTES)
    statement = SQL["set_password"].replace(":login", Identifier(role.login))
    await connection.execute(statement.replace(":verifier", literal(scram_verifier(password))))
    return Secret(password)


async def _create(connection: asyncpg.Connection, block: str, name: str) -> bool:
    """Create a role; False where it is there already, perhaps since a moment ago by the init of another database."""
    if await connection.fetchval(SQL["role_exists"], name):
        return False
    try:
        async with connection.transaction():
            await connection.execute(SQL[block].replace(":role", Identifier(name)).replace(":login", Identifier(name)))
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        return False
    return True


async def _grant(connection: asyncpg.Connection, roles: tuple[ServiceRole, ...], schemas: tuple[str, ...]) -> None:
    await connection.execute(SQL["close_functions"])
    for role in roles:
        for block in ("clear", role.service):
            await connection.execute(SQL[block].replace(":role", Identifier(role.group)))
        await connection.execute(SQL["note_role"], role.service, role.login, role.group)
    former = {row["name"] for row in await connection.fetch(SQL["noted_schemas"])}
    for schema in sorted(former - set(schemas)):
        await _leave_schema(connection, schema, list(roles))
    await connection.execute(SQL["note_schemas"], list(schemas))
    loader = next(role for role in roles if role.service == "loader")
    for schema in schemas:
        statement = SQL["target_schema"].replace(":schema", Identifier(schema))
        await connection.execute(statement.replace(":role", Identifier(loader.group)))
    await _pass_row_security(connection, loader, schemas)


async def _pass_row_security(connection: asyncpg.Connection, loader: ServiceRole, schemas: tuple[str, ...]) -> None:
    """Let the loader write to tables with row security: by attribute, else by policies where that may not be given."""
    if await connection.fetchval(SQL["passes_row_security"], loader.login):
        return
    try:
        async with connection.transaction():
            await connection.execute(SQL["pass_row_security"].replace(":login", Identifier(loader.login)))
    except asyncpg.InsufficientPrivilegeError:
        for row in await connection.fetch(SQL["guarded_tables"], list(schemas)):
            table = TableName(schema=row["schema"], name=row["name"])
            statement = SQL["admit_loader"].replace(":table", table.sql)
            await connection.execute(statement.replace(":role", Identifier(loader.group)))


async def _leave_schema(connection: asyncpg.Connection, schema: str, roles: list[ServiceRole]) -> None:
    if not await connection.fetchval(SQL["schema_exists"], schema):
        return
    for role in roles:
        if role.service == "loader":
            statement = SQL["leave_schema"].replace(":schema", Identifier(schema))
            await connection.execute(statement.replace(":role", Identifier(role.group)))


async def _drop_role(connection: asyncpg.Connection, name: str) -> None:
    """Drop a role; one on which something depends in another database of the cluster stays."""
    try:
        async with connection.transaction():
            await connection.execute(SQL["drop_role"].replace(":role", Identifier(name)))
    except (asyncpg.DependentObjectsStillExistError, asyncpg.UndefinedObjectError):
        return
