"""Target tables that are changed in the middle of a run."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from services.loader.handlers import Handlers
from shared.core.errors import SchemaDrifted, VersionDiffers
from shared.ledger.settling import Claim
from shared.plan.compiled import TargetColumn, decode_compiled, encode_compiled
from tests.loading.target import Body, Target, batch, program

TABLES = "create table rows (id uuid primary key, count bigint, name text)"
ROWS = program("rows", ("id", "count", "name"))
COLUMNS = tuple(
    TargetColumn(name=name, type_name=type_name, oid=oid, encoder="")
    for name, type_name, oid in (("id", "uuid", 2950), ("count", "bigint", 20), ("name", "text", 25))
)
SELECT = "select md5('row ' || g)::uuid, g::bigint, 'Xq7Canary' || g from generate_series({}, {}) g"


@pytest.fixture
async def ground(target: Target) -> Target:
    await target.connection.execute(TABLES)
    return target


async def run_of(ground: Target) -> UUID:
    """A run of two batches whose plan knows the types of its columns."""
    run = await ground.run({"rows": ROWS}, batches=2)
    plan = decode_compiled(await ground.connection.fetchval("select compiled from transfuse.run where id = $1", run))
    mapping = plan.mappings[0]
    transform = msgspec.structs.replace(mapping.transform, target_columns=COLUMNS)
    mappings = (msgspec.structs.replace(mapping, transform=transform),)
    compiled = encode_compiled(msgspec.structs.replace(plan, mappings=mappings))
    await ground.connection.execute("update transfuse.run set compiled = $2 where id = $1", run, compiled)
    return run


@pytest.mark.parametrize(
    ("change", "back", "told"),
    (
        (
            "alter table rows drop column name",
            "alter table rows add column name text",
            "target public.rows.name (is gone)",
        ),
        (
            "alter table rows alter count type double precision",
            "alter table rows alter count type bigint",
            "target public.rows.count (was bigint, is double precision)",
        ),
        (
            "alter table rows alter name type integer using 1",
            "alter table rows alter name type text",
            "target public.rows.name (was text, is integer)",
        ),
        ("alter table rows rename to lines", "alter table lines rename to rows", "target public.rows (is gone)"),
    ),
)
async def test_a_target_table_that_is_changed_pauses_the_run_until_it_is_repaired(
    ground: Target, change: str, back: str, told: str
) -> None:
    run = await run_of(ground)
    first, second = batch(run, "rows"), batch(run, "rows", seq=2)
    assert (await ground.load(first, Body(select=SELECT.format(1, 200)))).claim is Claim.CLAIMED
    message = await ground.message(second, Body(select=SELECT.format(201, 400)))
    await ground.connection.execute(change)
    with pytest.raises(SchemaDrifted) as caught:
        await ground.loader.load(message)
    assert told in str(caught.value)
    await Handlers(ground.loader, ground.ledger.pool).load_failed(message, caught.value)
    row = await ground.connection.fetchrow("select state, reason, message, snapshot from transfuse.run")
    assert tuple(row) == ("paused", "schema_drifted", str(caught.value), "a snapshot"), "the snapshot is still good"
    await ground.connection.execute(back)
    assert (await ground.loader.load(message)).claim is Claim.CLAIMED
    assert await ground.connection.fetchval("select count(*) from rows") == 400
    assert not await ground.reasons(run)


async def test_a_batch_of_a_run_that_is_pinned_to_another_version_is_left_to_others(ground: Target) -> None:
    run = await run_of(ground)
    message = await ground.message(batch(run, "rows"), Body(select=SELECT.format(1, 10)))
    await ground.connection.execute("update transfuse.run set transfuse_version = '0.0.1', compiled = 'not readable'")
    with pytest.raises(VersionDiffers, match="this loader") as caught:
        await ground.loader.load(message)
    await Handlers(ground.loader, ground.ledger.pool).load_failed(message, caught.value)
    row = await ground.connection.fetchrow("select state, attempts from transfuse.batch where seq = 1")
    assert tuple(row) == ("planned", 0)
    with pytest.raises(VersionDiffers):
        await ground.loader.check_version(run)
