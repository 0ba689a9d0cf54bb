"""Numbered migrations of the ledger: files of `shared/ledger/migrations`, applied in order and once."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

import asyncpg
import msgspec

from shared.core.errors import Refused

_FILE = re.compile(r"^(\d{4})_(\w+)\.sql$")


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One file. `checksum` is the SHA-256 of its text."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known_migrations() -> tuple[Migration, ...]:
    """The migrations of this version, by number. Raises ValueError for a number that is used twice."""
    found = sorted(
        (
            Migration(number=int(match[1]), name=match[2], sql=file.read_text(encoding="utf-8"))
            for file in files("shared.ledger").joinpath("migrations").iterdir()
            if (match := _FILE.match(file.name))
        ),
        key=lambda migration: migration.number,
    )
    if len({migration.number for migration in found}) != len(found):
        raise ValueError("two migrations of the ledger have the same number")
    return tuple(found)


async def migrate(
    connection: asyncpg.Connection,
    migrations: tuple[Migration, ...] | None = None,
) -> tuple[str, ...]:
    """Bring the ledger of this database to this version; gives the names of what was applied, empty if nothing was.

    Idempotent and safe to run at once from several places. All or nothing: one transaction.
    Raises Refused with code `ledger_ahead` when the database knows a migration that this version does not, and
    `ledger_differs` when an applied one has another text here or was passed over.
    """
    known = known_migrations() if migrations is None else migrations
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtextextended('transfuse:migrate', 0))")
        applied = await _applied(connection)
        _check(known, applied)
        return tuple([await _apply(connection, step) for step in known if step.number not in applied])


async def check_ledger(connection: asyncpg.Connection) -> None:
    """Return when the ledger of this database is of this version; changes nothing.

    Raises Refused with code `no_ledger` or `ledger_behind` where `transfuse init` is missing, and as `migrate` does.
    """
    known = known_migrations()
    try:
        applied = await _applied(connection)
    except asyncpg.InsufficientPrivilegeError as error:
        raise _behind() from error
    if not applied:
        raise Refused("There is no ledger in this database.", remedy="Run `transfuse init`.", code="no_ledger")
    _check(known, applied)
    if len(applied) < len(known):
        raise _behind()


def _behind() -> Refused:
    return Refused(
        "The ledger is of an earlier version of Transfuse.",
        remedy="Run `transfuse init` as the owner of the target to bring it to this one.",
        code="ledger_behind",
    )


async def _applied(connection: asyncpg.Connection) -> dict[int, str]:
    if await connection.fetchval("select to_regclass('transfuse.schema_migration') is null"):
        return {}
    rows = await connection.fetch("select number, checksum from transfuse.schema_migration")
    return {row["number"]: row["checksum"] for row in rows}


def _check(known: tuple[Migration, ...], applied: dict[int, str]) -> None:
    by_number = {migration.number: migration for migration in known}
    newest = max(applied, default=0)
    for number in sorted(applied.keys() - by_number.keys()):
        raise Refused(
            f"The ledger has migration {number:04d}, which this version of Transfuse does not know.",
            remedy="Use the version of Transfuse that last initialised this ledger, or a newer one.",
            code="ledger_ahead",
        )
    for number, migration in by_number.items():
        if (number in applied and applied[number] != migration.checksum) or (number < newest and number not in applied):
            raise Refused(
                f"Migration {number:04d} of the ledger is not the one of this version of Transfuse.",
                remedy="Use a released version; a ledger without runs to keep can be uninstalled and made again.",
                code="ledger_differs",
            )


async def _apply(connection: asyncpg.Connection, migration: Migration) -> str:
    await connection.execute(migration.sql)
    await connection.execute(
        "insert into transfuse.schema_migration (number, name, checksum) values ($1, $2, $3)",
        migration.number,
        migration.name,
        migration.checksum,
    )
    return migration.name
