"""One installation: a target of its own, the ledger and its roles in it, and a workspace that names both databases."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec

from shared.ledger.init import uninstall
from tests.harness.databases import PREFIX, address_of, copied, with_place
from transfuse.installation import install
from transfuse.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """Where it lives. `target` is the owner's URL; the services have roles of their own under `role_prefix`."""

    home: Path
    legacy: str
    target: str
    role_prefix: str
    bus_prefix: str
    rabbitmq: str | None

    def environment(self, **more: str) -> dict[str, str]:
        """What a process of this installation starts with: no credential, all of them are in the workspace."""
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        shown = {"TRANSFUSE_HOME": str(self.home), "ENVIRONMENT": "test", "COLUMNS": "200", "NO_COLOR": "1"}
        return {**kept, **shown, **more}


async def install_in(
    home: Path,
    database: str,
    *,
    legacy: str,
    role_prefix: str,
    rabbitmq: str | None = None,
    schemas: tuple[str, ...] = ("public",),
    reached: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> Installation:
    """`transfuse init` for the legacy database `legacy` and the target `database`.

    `reached` is the URL by which the services reach the target where that is not `database` (a proxy, say).
    """
    installation = Installation(
        home=home,
        legacy=legacy,
        target=database,
        role_prefix=role_prefix,
        bus_prefix=f"test-{secrets.token_hex(4)}",
        rabbitmq=rabbitmq,
    )
    process = {
        "LEGACY_DATABASE_URL": legacy,
        "TARGET_DATABASE_URL": reached or database,
        "BUS_PREFIX": installation.bus_prefix,
        "ENVIRONMENT": "test",
        **({"RABBITMQ_URL": rabbitmq} if rabbitmq else {}),
        **(variables or {}),
    }
    await install(Workspace(home), process, schemas=schemas, role_prefix=role_prefix)
    return installation


@asynccontextmanager
async def installed(
    home: Path,
    *,
    server: str,
    legacy: str,
    template: str | None = None,
    rabbitmq: str | None = None,
    through: tuple[str, int] | None = None,
    schemas: tuple[str, ...] = ("public",),
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[Installation]:
    """The same for a new target, a copy of `template`, dropped at the end together with the roles.

    `through` is the host and port by which the services reach the target where that is a proxy.
    """
    async with copied(server, template) as database:
        yield await install_in(
            home,
            database,
            legacy=legacy,
            role_prefix=f"{PREFIX}{secrets.token_hex(4)}",
            rabbitmq=rabbitmq,
            reached=with_place(database, *through) if through else None,
            schemas=schemas,
            variables=variables,
        )
        await end_sessions(database)
        await uninstall(address_of(database))


async def end_sessions(url: str) -> None:
    """End every other session of a database: processes that a test killed may have left some."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
