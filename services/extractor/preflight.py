"""What must be well before a run: each check with a name, what was found, and the exact statement that mends it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import asyncpg

from shared.core.checks import Check, failed, passed, warning
from shared.core.errors import Refused
from shared.core.states import LoadMode
from shared.plan.compiled import CompiledPlan
from shared.postgres.catalog import Catalog
from shared.postgres.identifiers import Identifier, TableName
from shared.postgres.sql_files import load_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

SQL = load_sql("services.extractor", "preflight.sql")
OLDEST_LEGACY, OLDEST_TARGET, SNAPSHOT_ON_STANDBY = 90500, 130000, 100000
SHOWN = 5


class PreflightFailed(Refused):
    """One or more checks failed; the text has a line for each, the remedy their fixes."""

    code = "preflight_failed"

    def __init__(self, checks: Sequence[Check]) -> None:
        self.checks = tuple(checks)
        super().__init__(
            "\n".join(f"{check.name}: {check.message}" for check in checks),
            remedy="\n".join(dict.fromkeys(check.fix for check in checks)),
        )


async def check_legacy(connection: asyncpg.Connection, plan: CompiledPlan, source: Catalog) -> list[Check]:
    """Checks of the legacy database, inside a transaction that has not read anything yet or has a snapshot exported."""
    role = await connection.fetchrow(SQL["legacy_role"])
    checks = [_legacy_version(role["version"]), _legacy_encoding(role["encoding"])]
    checks += await _readable(connection, role["role_name"], plan)
    if any(check.state == "failed" for check in checks):
        return checks
    checks.append(await _least_rights(connection, role, plan, source))
    checks.append(await _snapshot(connection, role))
    return checks


async def check_target(
    connection: asyncpg.Connection, plan: CompiledPlan, mode: LoadMode = LoadMode.INSERT
) -> list[Check]:
    """Checks of the target database, through the ledger's connection: rights are those of the loader's role.

    Tables of which rows are changed after they were inserted need one right more than the others.
    """
    if not await connection.fetchval(SQL["ledger_ready"]):
        return [failed("ledger_ready", "the target database has no ledger", "Run `transfuse init`.")]
    role = await connection.fetchrow(SQL["loader_role"])
    tables = sorted({mapping.load.table for mapping in plan.mappings})
    waited_for = {mapping.load.table for mapping in plan.mappings if mapping.second is not None}
    updated = [mode is not LoadMode.INSERT or table in waited_for for table in tables]
    rights = await connection.fetch(SQL["target_rights"], *_columns(tables), role["role_name"], updated)
    return [
        passed("ledger_ready", "the ledger is there"),
        _target_version(role["version"]),
        _target_encoding(role["encoding"]),
        _writable(role["role_name"], rights),
        _row_security(role, rights),
    ]


async def check_copies(connection: asyncpg.Connection, plan: CompiledPlan) -> Check:
    """Whether a dry run can have its copies of the target's tables, which the ledger's owner makes."""
    tables = sorted({mapping.load.table for mapping in plan.mappings})
    rights = await connection.fetchrow(SQL["copy_rights"])
    uncopied = await connection.fetch(SQL["uncopied"], *_columns(tables))
    owner = Identifier(rights["owner"])
    grants = [] if rights["may_create"] else [f"GRANT CREATE ON DATABASE {Identifier(rights['database'])} TO {owner};"]
    grants += [f"GRANT SELECT ON {table_of(row).sql} TO {owner};" for row in uncopied]
    if grants:
        return failed(
            "target_copies",
            f"the ledger's owner {rights['owner']!r} may not make copies of the target's tables for a dry run",
            " ".join(grants),
        )
    return passed("target_copies", f"{len(tables)} tables can be copied, empty, for the dry run")


def _legacy_version(version: int) -> Check:
    if version < OLDEST_LEGACY:
        return failed("legacy_version", f"the legacy server is PostgreSQL {_dotted(version)}", "Use 9.5 or later.")
    return passed("legacy_version", f"PostgreSQL {_dotted(version)}")


def _target_version(version: int) -> Check:
    if version < OLDEST_TARGET:
        return failed("target_version", f"the target server is PostgreSQL {_dotted(version)}", "Use 13 or later.")
    return passed("target_version", f"PostgreSQL {_dotted(version)}")


def _legacy_encoding(encoding: str) -> Check:
    """Every encoding that PostgreSQL knows converts exactly; SQL_ASCII is none."""
    if encoding == "SQL_ASCII":
        return failed(
            "legacy_encoding",
            "the legacy database is in SQL_ASCII, which says nothing of its characters",
            "Restore it into a database made with the ENCODING that its texts really have.",
        )
    return passed("legacy_encoding", encoding if encoding == "UTF8" else f"{encoding}, read as UTF8")


def _target_encoding(encoding: str) -> Check:
    if encoding != "UTF8":
        return failed(
            "target_encoding",
            f"the target database is in {encoding}",
            "Use a database made with ENCODING 'UTF8', which holds every character.",
        )
    return passed("target_encoding", encoding)


async def _readable(connection: asyncpg.Connection, role: str, plan: CompiledPlan) -> list[Check]:
    """Every column that will be selected may be selected; else the GRANT that is missing."""
    columns = read_columns(plan)
    tables = sorted({table for table, _ in columns})
    rights = await connection.fetch(SQL["table_rights"], *_columns(tables))
    unreadable = await connection.fetch(
        SQL["unreadable_columns"], *_columns([table for table, _ in columns]), [column for _, column in columns]
    )
    wanting = {table_of(row) for row in (*unreadable, *(row for row in rights if not row["readable"]))}
    grants = [
        f"GRANT USAGE ON SCHEMA {Identifier(schema)} TO {Identifier(role)};"
        for schema in sorted({row["schema_name"] for row in rights if not row["schema_usage"]})
    ] + [f"GRANT SELECT ON {table.sql} TO {Identifier(role)};" for table in sorted(wanting)]
    checks = []
    if grants:
        message = f"role {role!r} may not read {_listed(map(str, sorted(wanting))) or 'the schema'}"
        checks.append(failed("legacy_readable", message, " ".join(grants)))
    else:
        checks.append(passed("legacy_readable", f"every selected column of {len(tables)} tables is readable"))
    hidden = [str(table_of(row)) for row in rights if row["hides_rows"]]
    if hidden:
        checks.append(
            failed(
                "legacy_row_security",
                f"row level security would hide rows of {_listed(hidden)} from role {role!r}",
                f"ALTER ROLE {Identifier(role)} BYPASSRLS;",
            )
        )
    return checks


async def _least_rights(
    connection: asyncpg.Connection, role: Mapping[str, Any], plan: CompiledPlan, source: Catalog
) -> Check:
    """Rights beyond reading the mapped tables are reported."""
    name = role["role_name"]
    if role["superuser"]:
        return warning(
            "legacy_least_rights",
            f"role {name!r} is a superuser",
            "Use a role of its own with LOGIN and SELECT on the mapped tables only.",
        )
    tables = sorted({table for table, _ in read_columns(plan)})
    rights = await connection.fetch(SQL["table_rights"], *_columns(tables))
    others = await connection.fetch(
        SQL["other_readable_tables"], source.schema, [table.name for table in tables if table.schema == source.schema]
    )
    extra = []
    if writable := [str(table_of(row)) for row in rights if row["writable"]]:
        extra.append(f"may change {_listed(writable)}")
    if others:
        extra.append(f"may read unmapped {_listed(row['table_name'] for row in others)}")
    if role["powerful"]:
        extra.append("may create roles or databases, or replicate")
    if extra:
        return warning(
            "legacy_least_rights",
            f"role {name!r} {'; '.join(extra)}",
            "Revoke what it does not need: SELECT on the mapped tables is enough.",
        )
    return passed("legacy_least_rights", f"role {name!r} reads the mapped tables and nothing else")


async def _snapshot(connection: asyncpg.Connection, role: Mapping[str, Any]) -> Check:
    if role["standby"] and role["version"] < SNAPSHOT_ON_STANDBY:
        return failed(
            "legacy_snapshot",
            f"a standby of PostgreSQL {_dotted(role['version'])} cannot export a snapshot",
            "Point the legacy settings at the primary, or at a copy of it that is not a standby.",
        )
    await connection.execute(SQL["export_snapshot"])
    if role["standby"]:
        return warning(
            "legacy_snapshot",
            "the legacy server is a standby: replay may cancel the snapshot",
            "Set hot_standby_feedback = on at the standby for the time of the run.",
        )
    return passed("legacy_snapshot", "a snapshot can be exported")


def _writable(role: str, rights: Iterable[Mapping[str, Any]]) -> Check:
    rights = list(rights)
    schemas = sorted({row["schema_name"] for row in rights if not row["schema_usage"]})
    tables = sorted(table_of(row) for row in rights if not row["writable"])
    if schemas or tables:
        grants = [f"GRANT USAGE ON SCHEMA {Identifier(schema)} TO {Identifier(role)};" for schema in schemas]
        grants += [f"GRANT SELECT, INSERT, UPDATE ON {table.sql} TO {Identifier(role)};" for table in tables]
        message = f"role {role!r} may not write {_listed(map(str, tables)) or 'into the schema'}"
        return failed("target_writable", message, " ".join(grants))
    return passed("target_writable", f"role {role!r} may write {len(rights)} tables")


def _row_security(role: Mapping[str, Any], rights: Iterable[Mapping[str, Any]]) -> Check:
    refused = [] if role["sees_all"] else [str(table_of(row)) for row in rights if row["rows_refused"]]
    if refused:
        return failed(
            "target_row_security",
            f"row level security would refuse every row of role {role['role_name']!r} in {_listed(refused)}",
            f"ALTER ROLE {Identifier(role['role_name'])} BYPASSRLS;",
        )
    return passed("target_row_security", "row level security lets the loader write")


def read_columns(plan: CompiledPlan) -> list[tuple[TableName, str]]:
    """Every (table, column) that the plan reads on the legacy server, once each."""
    found: set[tuple[TableName, str]] = set()
    for mapping in plan.mappings:
        for table in mapping.source.tables:
            columns = mapping.source.read_columns.get(str(table), ())
            found.update((table, column) for column in columns or ("",))
    return sorted(found)


def table_of(row: Mapping[str, Any]) -> TableName:
    """The table that a row of these queries is about."""
    return TableName(schema=row["schema_name"], name=row["table_name"])


def _columns(tables: Sequence[TableName]) -> tuple[list[str], list[str]]:
    return [table.schema for table in tables], [table.name for table in tables]


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more


def _dotted(version: int) -> str:
    return f"{version // 10000}.{version // 100 % 100}" if version < 100000 else str(version // 10000)
