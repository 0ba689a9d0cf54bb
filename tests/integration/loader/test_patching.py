"""A patch changes columns of rows that are there, and nothing else."""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec
import pytest

from shared.core.counts import Counts
from shared.core.errors import RunError
from shared.core.states import Encoding, LoadMode
from shared.ledger.settling import Claim
from shared.messages.data import Reason, RefusedRow
from shared.plan.model import MissingParent
from tests.loading.target import Body, Target, batch, keys, program, reference

TREE = program("tree", ("id", "name"))
PARENT = reference("parent_id", "tree", "tree", default=MissingParent.NULL_IT)
PARENTS = program("tree", ("id", "parent_id"), references=(PARENT,))
ROWS = "select md5('row ' || g)::uuid, 'name ' || g from generate_series(1, 20) g"
LINKS = """
select md5('row ' || g)::uuid, case when g > 1 then md5('row ' || (g + 7) % 20 + 1)::uuid end
  from generate_series(1, 20) g
"""
LINKED = "select name, (select p.name from tree p where p.id = t.parent_id) from tree t order by 1"


@pytest.fixture
async def tree(target: Target) -> Target:
    await target.connection.execute(
        """create table tree (id uuid primary key, name text, parent_id uuid references tree,
                              check (id <> parent_id), unique (parent_id, name))"""
    )
    return target


async def loaded(tree: Target, second: object = PARENTS) -> UUID:
    """A run whose first pass is loaded."""
    run = await tree.second({"tree": TREE}, {"tree": second})  # type: ignore[dict-item]
    await tree.load(batch(run, "tree"), Body(select=ROWS))
    return run


async def patched(tree: Target, run: UUID, select: str = LINKS, **body: object) -> Counts:
    """What the second pass came to."""
    ref = batch(run, "tree", pass_number=2)
    await tree.load(ref, Body(select=select, **body), LoadMode.PATCH)  # type: ignore[arg-type]
    return await tree.counts(ref)


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_a_second_pass_sets_what_differs_and_writes_no_row_that_does_not(
    tree: Target, encoding: Encoding
) -> None:
    run = await loaded(tree)
    before = dict(await tree.connection.fetch("select name, xmin::text from tree"))
    assert await patched(tree, run, encoding=encoding) == Counts(read=20, updated=19, unchanged=1)
    after = dict(await tree.connection.fetch("select name, xmin::text from tree"))
    assert [name for name in before if before[name] == after[name]] == ["name 1"]
    wanted = {f"name {g}": f"name {(g + 7) % 20 + 1}" if g > 1 else None for g in range(1, 21)}
    assert dict(await tree.connection.fetch(LINKED)) == wanted
    manifest = await tree.manifest(batch(run, "tree", pass_number=2))
    assert manifest == {
        "written": set(), "updated": keys(range(2, 21)), "unchanged": keys([1]), "filtered": set(),
        "quarantined": set(),
    }  # fmt: skip


async def test_a_patch_that_comes_twice_changes_nothing_the_second_time(tree: Target) -> None:
    run = await loaded(tree)
    message = await tree.message(batch(run, "tree", pass_number=2), Body(select=LINKS), LoadMode.PATCH)
    first, again = await tree.loader.load(message), await tree.loader.load(message)
    assert (first.claim, again.claim, again.counts) == (Claim.CLAIMED, Claim.SETTLED, None)
    assert await patched(tree, await loaded_again(tree)) == Counts(read=20, unchanged=20)


async def loaded_again(tree: Target) -> UUID:
    """Another run over the same rows, its first pass left out."""
    return await tree.second({"tree": TREE}, {"tree": PARENTS})


async def test_rows_that_are_gone_since_the_first_pass_are_passed_over_and_counted_in_a_warning(tree: Target) -> None:
    run = await loaded(tree)
    await tree.connection.execute("delete from tree where name in ('name 3', 'name 4')")
    there = RefusedRow(
        legacy_key="5", target_key=next(iter(keys([5]))).bytes, reasons=(Reason(code="cast"),), row=b'{"a":"b"}'
    )
    gone = RefusedRow(
        legacy_key="4", target_key=next(iter(keys([4]))).bytes, reasons=(Reason(code="cast"),), row=b'{"a":"b"}'
    )
    select = LINKS + " where g not in (4, 5)"
    counts = await patched(tree, run, select, refused=(there, gone))
    assert (counts.filtered, counts.quarantined, counts.read) == (2, 1, 20)
    ref = batch(run, "tree", pass_number=2)
    manifest = await tree.manifest(ref)
    assert (manifest["filtered"], manifest["quarantined"]) == (keys([3, 4]), keys([5]))
    warnings = await tree.connection.fetchval("select warnings from transfuse.batch where pass = 2")
    assert '"code": "not_in_target", "count": 2' in warnings
    assert '"code": "unresolved", "count": 2' in warnings


async def test_rows_that_the_first_pass_did_not_load_are_left_as_others_wrote_them(tree: Target) -> None:
    await tree.connection.execute(f"insert into tree {ROWS}")
    await tree.connection.execute("update tree set name = 'by hand' where name in ('name 3', 'name 4')")
    run = await tree.second({"tree": TREE}, {"tree": PARENTS})
    filtered = tuple(keys([5]))
    await tree.load(batch(run, "tree"), Body(select=ROWS + " where g <> 5", filtered=filtered))
    assert await tree.counts(batch(run, "tree")) == Counts(read=20, unchanged=17, quarantined=2, filtered=1)

    counts = await patched(tree, run)
    assert (counts.read, counts.filtered, counts.quarantined) == (20, 3, 0)
    untouched = "select count(*) from tree where parent_id is null and name in ('by hand', 'name 5')"
    assert await tree.connection.fetchval(untouched) == 3
    warnings = await tree.connection.fetchval("select warnings from transfuse.batch where pass = 2")
    assert "not_in_target" not in warnings


@pytest.mark.parametrize("mode", (LoadMode.INSERT, LoadMode.MERGE))
async def test_a_reference_that_somebody_else_has_set_is_overwritten_by_a_merge_and_never_by_an_insert(
    tree: Target, mode: LoadMode
) -> None:
    await patched(tree, await loaded(tree))
    await tree.connection.execute(
        """update tree set parent_id = (select id from tree where name = 'name 1') where name = 'name 3';
           update tree set parent_id = null where name = 'name 4'"""
    )
    run = await tree.second({"tree": TREE}, {"tree": PARENTS})
    await tree.load(batch(run, "tree"), Body(select=ROWS), mode)

    counts = await patched(tree, run)
    found = dict(await tree.connection.fetch(LINKED))
    if mode is LoadMode.INSERT:
        assert counts == Counts(read=20, updated=1, unchanged=18, quarantined=1)
        assert await tree.reasons(run) == {("key_taken", "id", ""): 1}
        assert (found["name 3"], found["name 4"]) == ("name 1", "name 12")
    else:
        assert counts == Counts(read=20, updated=2, unchanged=18)
        assert (found["name 3"], found["name 4"]) == ("name 11", "name 12")


async def test_a_row_that_somebody_deletes_while_it_is_patched_is_passed_over(tree: Target) -> None:
    run = await loaded(tree)
    message = await tree.message(batch(run, "tree", pass_number=2), Body(select=LINKS), LoadMode.PATCH)
    async with asyncio.TaskGroup() as tasks, tree.connection.transaction():
        await tree.connection.execute("delete from tree where name = 'name 3'")
        loading = tasks.create_task(tree.loader.load(message), name="loading")
        await somebody_waits(tree)
    settled = loading.result()
    assert settled.counts is not None
    assert (settled.counts.read, settled.counts.filtered, settled.counts.quarantined) == (20, 1, 0)


async def somebody_waits(tree: Target) -> None:
    """Until a session of this database waits for a lock."""
    asked = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with tree.ledger.pool.acquire() as connection:
        while not await connection.fetchval(asked):
            await connection.execute("select pg_stat_clear_snapshot()")


async def test_a_message_of_another_mode_than_the_ledgers_is_refused_and_writes_nothing(tree: Target) -> None:
    await tree.load(batch(await tree.run({"tree": TREE}), "tree"), Body(select=ROWS))
    run = await tree.run({"tree": TREE})
    other = ROWS.replace("'name '", "'other '")
    message = await tree.message(batch(run, "tree"), Body(select=other))
    with pytest.raises(RunError, match="the run's is insert"):
        await tree.loader.load(msgspec.structs.replace(message, mode=LoadMode.MERGE))
    assert await tree.connection.fetchval("select count(*) from tree where name like 'other%'") == 0


async def test_a_row_of_which_the_target_refuses_the_patch_waits_with_its_reason_and_stays_as_it_was(
    tree: Target,
) -> None:
    run = await loaded(tree)
    itself = LINKS.replace("case when g > 1 then", "case when g = 9 then md5('row 9')::uuid when g > 1 then")
    assert await patched(tree, run, itself) == Counts(read=20, updated=18, unchanged=1, quarantined=1)
    assert await tree.reasons(run) == {("check", "tree_check", "23514"): 1}
    assert await tree.connection.fetchval("select parent_id from tree where name = 'name 9'") is None
    ((row, legacy_key, opened),) = await tree.quarantined(run)
    assert (row["pass"], legacy_key, set(opened)) == (2, "legacy 9", {"id", "parent_id"})


async def test_a_reference_whose_row_is_not_there_fails_the_run_where_the_plan_says_so(tree: Target) -> None:
    strict = reference("parent_id", "tree", "tree", default=MissingParent.FAIL_RUN)
    run = await loaded(tree, program("tree", ("id", "parent_id"), references=(strict,)))
    await tree.connection.execute("delete from tree where name = 'name 3'")
    with pytest.raises(RunError, match="refers by parent_id"):
        await patched(tree, run)


async def test_a_back_fill_warns_of_rows_that_are_not_there(tree: Target) -> None:
    await loaded(tree)
    await tree.connection.execute("delete from tree where name = 'name 3'")
    run = await tree.run({"tree": TREE})
    ref = batch(run, "tree")
    await tree.load(
        ref, Body(select=ROWS.replace("'name '", "case g % 2 when 0 then 'name ' else 'n ' end")), LoadMode.PATCH
    )
    assert await tree.counts(ref) == Counts(read=20, updated=9, unchanged=10, filtered=1)
    warnings = await tree.connection.fetchval("select warnings from transfuse.batch where run_id = $1", run)
    assert warnings == '[{"code": "not_in_target", "count": 1, "column": "", "sqlstate": ""}]'
    assert await tree.connection.fetchval("select count(*) from tree") == 19


async def test_a_second_pass_in_another_mode_is_our_own_mistake(tree: Target) -> None:
    run = await loaded(tree)
    with pytest.raises(RunError, match="load mode insert"):
        await tree.load(batch(run, "tree", pass_number=2), Body(select=LINKS))
