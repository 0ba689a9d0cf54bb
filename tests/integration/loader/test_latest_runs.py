"""Which run tells what became of a row: the latest that loaded the whole mapping."""

from __future__ import annotations

from shared.core.states import LoadMode
from shared.ledger.settling import latest_run_of
from tests.loading.target import Body, Target, batch, program

ROWS = program("rows", ["id"])
SELECT = "select md5('row ' || g)::uuid from generate_series({0}, {0}) g"


async def test_a_run_that_ended_in_the_middle_does_not_tell_of_rows_that_it_never_reached(target: Target) -> None:
    await target.connection.execute("create table rows (id uuid primary key)")
    whole = await target.run({"rows": ROWS})
    await target.load(batch(whole, "rows"), Body(select=SELECT.format(1)), LoadMode.MERGE)
    await target.connection.execute("update transfuse.run_mapping set state = 'complete'")
    half = await target.run({"rows": ROWS}, batches=2)
    await target.load(batch(half, "rows"), Body(select=SELECT.format(2)), LoadMode.MERGE)
    children = await target.run({"others": ROWS})
    assert await latest_run_of(target.connection, children, "rows") == whole
    assert await latest_run_of(target.connection, half, "rows") == half
