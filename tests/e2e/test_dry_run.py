"""A dry run of the portal with all its defects says what the real run then does, and leaves the target as it was."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import asyncpg
import pytest

from shared.core.counts import Counts
from shared.core.states import FINAL, LoadMode, RunState
from shared.ledger.snapshots import RunSnapshot
from tests.harness.command_line import heard, started, transfuse
from tests.harness.installation import Installation
from tests.harness.ledger import LedgerView, ledger_of, until
from tests.harness.portal import PLAN
from tests.harness.servers import Servers
from transfuse.exit_codes import ExitCode

SCALE, SMALL = 0.05, 0.005
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


async def test_a_dry_run_has_every_count_of_the_run_that_it_tries(servers: Servers) -> None:
    async with servers.portal_installation(SCALE) as installation:
        dry = await tried(installation)
    same(dry, (await servers.undisturbed_portal(SCALE)).snapshot)


@pytest.mark.parametrize("mode", ("insert", "merge"))
async def test_a_dry_run_has_every_count_of_a_run_into_a_filled_target(servers: Servers, mode: str) -> None:
    async with servers.portal_installation(SMALL) as installation:
        assert (await transfuse(installation, "run", str(PLAN))).code == ExitCode.WARNINGS
        await change(installation)
        how = ("--mode", mode, "--only", "profiles,doctors,patients,patients_doctors_offices,orders,payments")
        dry = await tried(installation, *how)
        done = await transfuse(installation, "run", str(PLAN), *how)
        assert done.code == ExitCode.WARNINGS, done.text
        same(dry, await youngest(installation))


async def test_a_dry_run_whose_process_is_killed_goes_on_where_it_was(servers: Servers) -> None:
    async with servers.portal_installation(SMALL) as installation:
        before = await fingerprint(installation)
        async with started(installation, "run", str(PLAN), "--dry-run") as process:
            await heard(process, "run ")
            async with ledger_of(installation) as ledger:
                run = (await youngest(installation)).run
                await until(lambda: has_settled(ledger, run))
        assert await copies(installation) == 1
        assert (await youngest(installation)).state not in FINAL
        said = await transfuse(installation, "resume", str(run))
        assert "nothing was written" in said.out, said.text
        same(await youngest(installation), (await servers.undisturbed_portal(SMALL)).snapshot)
        assert await copies(installation) == 0
        assert await fingerprint(installation) == before


async def test_a_dry_run_that_is_cancelled_leaves_nothing_once_somebody_works_again(servers: Servers) -> None:
    async with servers.portal_installation(SMALL) as installation:
        before = await fingerprint(installation)
        async with started(installation, "run", str(PLAN), "--dry-run") as process:
            await heard(process, "run ")
            async with ledger_of(installation) as ledger:
                run = (await youngest(installation)).run
                await until(lambda: has_settled(ledger, run))
        assert (await transfuse(installation, "cancel", str(run))).code == ExitCode.OK
        assert await copies(installation) == 1
        await tried(installation)
        assert await fingerprint(installation) == before


async def tried(installation: Installation, *more: str) -> RunSnapshot:
    """A dry run that ended well and left the target as it was."""
    before = await fingerprint(installation)
    said = await transfuse(installation, "run", str(PLAN), "--dry-run", *more)
    assert said.code in {ExitCode.WARNINGS, ExitCode.FAILED}, said.text
    assert "nothing was written" in said.out, said.text
    assert "orders_validate" in said.out
    assert await fingerprint(installation) == before
    assert await copies(installation) == 0
    dry = await youngest(installation)
    assert (dry.mode, dry.state) == (LoadMode.CHECK, RunState.COMPLETED)
    return dry


async def has_settled(ledger: LedgerView, run: UUID) -> bool:
    """Whether a run has settled some batches."""
    settled = await ledger.connection.fetchval(
        "select count(*) from transfuse.batch where run_id = $1 and state = 'settled'", run
    )
    return bool(settled >= 5)


async def change(installation: Installation) -> None:
    """Take some rows out of the target, and change some others, so that each outcome has rows."""
    connection = await asyncpg.connect(installation.target)
    try:
        await connection.execute(
            """set session_replication_role = replica;
               create temporary table gone as
               select * from public.patients_doctors_offices where office_id is not null order by id limit 10;
               delete from public.patients_doctors_offices where id in (select id from gone);
               update public.patients set suffix = 'of somebody else'
                where id in (select id from public.patients order by id limit 10)"""
        )
    finally:
        await connection.close()


def same(dry: RunSnapshot, real: RunSnapshot) -> None:
    """Every count and every reason is the same."""
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
