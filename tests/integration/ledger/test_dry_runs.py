"""What the ledger does about dry runs: retention counts them on their own, and a preflight knows what they need."""

from __future__ import annotations

from services.extractor.preflight import check_copies
from shared.core.checks import CheckState
from shared.plan.compile import compile_plan
from tests.ledgers.ledger import Ledger
from tests.planning import APP, CLINIC, DESCRIBED, LEGACY, read

KEPT = 10


async def test_of_completed_dry_runs_the_last_ten_keep_their_details_and_migrations_keep_theirs(ledger: Ledger) -> None:
    real = await ended(ledger)
    dry = [await ended(ledger, dry=True) for _ in range(KEPT + 2)]
    migration = await ledger.connection.fetchval("select migration_id from transfuse.run where id = $1", real)
    beyond = await ledger.connection.fetch("select transfuse.runs_beyond_retention($1) as id", migration)
    assert [row["id"] for row in beyond] == dry[:2]


async def test_an_owner_who_may_not_create_schemas_is_told_the_grant(ledger: Ledger) -> None:
    plan = compile_plan(read(CLINIC), LEGACY, APP, DESCRIBED, transfuse_version="0.1.0")
    connection = ledger.connection
    assert (await check_copies(connection, plan)).state is CheckState.PASSED
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            """create role "no ""maker" nologin; create schema app; create table app.doctors (id uuid);
               grant all on schema transfuse to "no ""maker";
               alter function transfuse.make_shadow(uuid, jsonb) owner to "no ""maker" """
        )
        found = await check_copies(connection, plan)
    finally:
        await transaction.rollback()
    assert found.state is CheckState.FAILED
    assert found.fix.startswith("GRANT CREATE ON DATABASE ")
    assert 'TO "no ""maker"; GRANT SELECT ON "app"."doctors" TO "no ""maker";' in found.fix


async def ended(ledger: Ledger, *, dry: bool = False) -> object:
    """A run that has completed."""
    run = await ledger.start()
    if dry:
        await ledger.connection.execute("update transfuse.run set kind = 'validate', mode = 'check' where id = $1", run)
    for state in ("running", "finishing", "completed"):
        await ledger.connection.execute("update transfuse.run set state = $2 where id = $1", run, state)
    return run
