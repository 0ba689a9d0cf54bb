"""A dry run of the portal with all its defects says what the real run then does, and leaves the target as it was."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import asyncpg
import pytest

from shared.core.counts import Counts
from shared.ledger.snapshots import RunSnapshot
from tests.harness.command_line import transfuse
from tests.harness.installation import Installation
from tests.harness.ledger import ledger_of
from tests.harness.portal import PLAN
from tests.harness.servers import Servers
from transfuse.exit_codes import ExitCode

SCALE = 0.05
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


async def test_a_dry_run_has_every_count_of_the_real_run_on_an_empty_and_on_a_filled_target(servers: Servers) -> None:
    async with servers.portal_installation(SCALE) as installation:
        for _ in range(2):
            before = await fingerprint(installation)
            tried = await transfuse(installation, "run", str(PLAN), "--dry-run")
            assert tried.code in {ExitCode.WARNINGS, ExitCode.FAILED}, tried.text
            assert "nothing was written" in tried.out
            assert "orders_validate" in tried.out
            dry = await youngest(installation)
            assert dry.mode == "check"
            assert await fingerprint(installation) == before
            assert await copies(installation) == 0
            done = await transfuse(installation, "run", str(PLAN))
            assert done.code == ExitCode.WARNINGS, done.text
            real = await youngest(installation)
            assert counts(dry) == counts(real)
            assert reasons(dry) == reasons(real)
            assert warnings(dry) == warnings(real)


def counts(snapshot: RunSnapshot) -> dict[tuple[str, int], Counts]:
    """By mapping and pass."""
    return {(mapping.mapping, mapping.pass_number): mapping.counts for mapping in snapshot.mappings}


def reasons(snapshot: RunSnapshot) -> Counter[tuple[str, str, str, str]]:
    """Rows in quarantine by mapping, stage, reason and column."""
    return Counter({(one.mapping, one.stage, one.code, one.column): one.row_count for one in snapshot.quarantine})


def warnings(snapshot: RunSnapshot) -> Counter[tuple[str, str, str]]:
    """What was warned about, by mapping, code and column."""
    return Counter({(one.mapping, one.code, one.column): one.row_count for one in snapshot.warnings})


async def youngest(installation: Installation) -> RunSnapshot:
    """The run that was started last, dry or not."""
    async with ledger_of(installation) as ledger:
        run: UUID = await ledger.connection.fetchval("select id from transfuse.run order by created_at desc limit 1")
        return await ledger.progress.read(run)


async def fingerprint(installation: Installation) -> list[object]:
    """Every table's rows with the transactions that wrote them, and where every sequence is."""
    connection = await asyncpg.connect(installation.target)
    found: list[object] = []
    try:
        for table in await connection.fetch(
            "select oid::regclass::text as name, relkind from pg_class"
            " where relnamespace = 'public'::regnamespace and relkind in ('r', 'S') order by 1"
        ):
            rows = "count(*), sum(hashtextextended(t::text || t.xmin || t.ctid, 0))"
            what = rows if table["relkind"] == b"r" else "max(last_value), bool_or(is_called)"
            found.append((table["name"], *await connection.fetchrow(f"select {what} from {table['name']} t")))  # noqa: S608
    finally:
        await connection.close()
    return found


async def copies(installation: Installation) -> int:
    """How many schemas with copies there are."""
    connection = await asyncpg.connect(installation.target)
    try:
        found: int = await connection.fetchval("select count(*) from pg_namespace where nspname ~ '^transfuse_check_'")
        return found
    finally:
        await connection.close()
