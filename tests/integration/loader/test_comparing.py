"""Comparing a batch with the target: every kind of finding, and no false one."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from services.loader.loader import BatchLoader
from shared.core.counts import Counts
from shared.core.ids import BatchRef
from shared.core.states import Encoding, LoadMode, Stage
from shared.crypto.aad import batch_aad, row_aad
from shared.ledger.bodies import body_id, keep_body, read_body
from shared.ledger.settling import Claim
from shared.messages.data import Reason, RefusedRow
from shared.plan.compiled import PlaceholderRow
from shared.plan.model import MissingParent
from shared.postgres.identifiers import TableName
from tests.loading.target import Body, Target, batch, keys, program, reference

TABLES = """
create table parents (id uuid primary key, name text);
create table rows (id uuid primary key, parent_id uuid references parents, name text, age integer, code text unique);
"""
ROWS = program("rows", ["id", "parent_id", "name", "age", "code"])
SELECT = """
select md5('row ' || g)::uuid as id, null::uuid as parent_id, 'name ' || g as name, g as age, 'code ' || g as code
  from generate_series(1, 10) g
"""
PLACEHOLDER = UUID(int=7)
STANDING = PlaceholderRow(
    mapping="parents",
    table=TableName(schema="public", name="parents"),
    key_column="id",
    key_name="parents:placeholder",
    columns=("name",),
    values=("nobody",),
)


def key(number: int, prefix: str = "row") -> UUID:
    """The key of a row."""
    return next(iter(keys([number], prefix)))


async def compared(
    target: Target, run: UUID, body: Body, mapping: str = "rows"
) -> tuple[Counts, list[tuple[object, ...]]]:
    """Compare a batch in a run's own fourth pass: its counts, and its findings in order."""
    ref = await comparison(target, run, mapping)
    await target.loader.load(await target.message(ref, body, LoadMode.COMPARE))
    return await counts(target, ref), await findings(target, run)


async def comparison(target: Target, run: UUID, mapping: str = "rows") -> BatchRef:
    """A dispatched batch of a fourth pass."""
    await target.connection.execute(
        """insert into transfuse.run_mapping (run_id, mapping, pass, position, cut_complete, driving_rows, from_rows)
           values ($1, $2, 4, 9, true, 0, 0) on conflict do nothing""",
        *(run, mapping),
    )
    seq = await target.connection.fetchval(
        """insert into transfuse.batch (run_id, mapping, pass, seq, state)
           select $1, $2, 4, count(*) + 1, 'dispatched'
             from transfuse.batch where run_id = $1 and mapping = $2 and pass = 4
           returning seq""",
        *(run, mapping),
    )
    return batch(run, mapping, seq, pass_number=4)


async def counts(target: Target, ref: BatchRef) -> Counts:
    row = await target.connection.fetchrow(
        """select read_count as read, unchanged, filtered, quarantined, different from transfuse.batch
            where run_id = $1 and mapping = $2 and pass = $3 and seq = $4 and state = 'settled'""",
        *(ref.run, ref.mapping, ref.pass_number, ref.seq),
    )
    return Counts(**dict(row))


async def findings(target: Target, run: UUID) -> list[tuple[object, ...]]:
    rows = await target.connection.fetch(
        """select kind, columns, target_key, source_changed, id, sealed_key from transfuse.finding
            where run_id = $1 order by kind, columns, target_key""",
        run,
    )
    return [(row["kind"], tuple(row["columns"]), row["target_key"], row["source_changed"]) for row in rows]


async def loaded(target: Target, select: str = SELECT, **more: object) -> UUID:
    """A run that loaded the rows of a select."""
    await target.connection.execute(TABLES)
    run = await target.run({"parents": program("parents", ["id", "name"]), "rows": ROWS})
    await target.load(batch(run, "rows"), Body(select=select, **more))  # type: ignore[arg-type]
    return run


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_a_batch_that_is_as_it_was_loaded_is_equal_and_nothing_is_written(
    target: Target, encoding: Encoding
) -> None:
    run = await loaded(target, encoding=encoding)
    before = await target.connection.fetch("select xmin::text, ctid::text, r::text from rows r order by id")
    found = await compared(target, run, Body(select=SELECT, encoding=encoding))
    assert found == (Counts(read=10, unchanged=10), [])
    assert await target.connection.fetch("select xmin::text, ctid::text, r::text from rows r order by id") == before


async def test_every_kind_of_difference_is_found_down_to_key_and_columns(target: Target) -> None:
    run = await loaded(target)
    await target.connection.execute("update rows set name = name || ' ' where age = 2")
    await target.connection.execute("update rows set age = null, code = null where age = 3")
    await target.connection.execute("delete from rows where age = 4")
    await target.connection.execute(
        "insert into rows (id, name) values ($1, 'refused'), ($2, 'filtered')", key(11), key(12)
    )
    refused = tuple(
        RefusedRow(legacy_key=f"refused {n}", target_key=key(n).bytes, reasons=(Reason(code="rule"),), row=b"{}")
        for n in (11, 13)
    )
    body = Body(select=SELECT, refused=refused, filtered=(key(12), key(14)))
    assert await compared(target, run, body) == (
        Counts(read=14, unchanged=7, filtered=1, quarantined=1, different=5),
        sorted(
            [
                ("different", ("age", "code"), key(3), None),
                ("different", ("name",), key(2), None),
                ("missing", (), key(4), None),
                ("unexpected", (), key(11), None),
                ("unexpected", (), key(12), None),
            ],
            key=lambda row: (row[0], row[1], row[2]),
        ),
    )
    row = await target.connection.fetchrow("select id, sealed_key from transfuse.finding where kind = 'missing'")
    assert row is not None
    assert target.keys[run].open_(row["sealed_key"], row_aad(run, row["id"])) == b"legacy 4"
    counted = await target.connection.fetch(
        'select kind, "column", row_count from transfuse.finding_count order by kind, "column"'
    )
    assert [tuple(row) for row in counted] == [
        ("different", "", 2),
        ("different", "age", 1),
        ("different", "code", 1),
        ("different", "name", 1),
        ("missing", "", 1),
        ("unexpected", "", 2),
    ]


async def test_a_batch_that_comes_twice_is_compared_once(target: Target) -> None:
    run = await loaded(target)
    ref = await comparison(target, run)
    message = await target.message(ref, Body(select=SELECT), LoadMode.COMPARE)
    assert (await target.loader.load(message)).claim is Claim.CLAIMED
    assert (await target.loader.load(message)).claim is Claim.SETTLED


async def test_rows_that_the_target_refused_when_they_were_loaded_are_not_missing_until_they_were_replayed(
    target: Target,
) -> None:
    twice = SELECT.replace("'code ' || g", "'code ' || greatest(g, 2)")
    run = await loaded(target, twice)
    assert await target.connection.fetchval("select count(*) from rows") == 9
    counted, found = await compared(target, run, Body(select=twice))
    assert (counted, found) == (Counts(read=10, unchanged=9, quarantined=1), [])
    await target.connection.execute("update transfuse.quarantine set resolution = 'replayed', resolved_at = now()")
    counted, found = await compared(target, run, Body(select=twice))
    assert (counted.different, [row[0] for row in found]) == (1, ["missing"])


async def test_a_row_that_was_loaded_with_a_persons_values_is_as_it_should_be_and_warned_of(target: Target) -> None:
    refused = RefusedRow(legacy_key="11", target_key=key(11).bytes, reasons=(Reason(code="rule"),), row=b"{}")
    run = await loaded(target, refused=(refused,))
    await target.connection.execute("insert into rows (id, name) values ($1, 'mended')", key(11))
    await target.connection.execute(
        """insert into transfuse.quarantine_edit
               (id, quarantine_id, run_id, mapping, target_key, "column", sealed_new, actor, reason, applied_by_run)
           select gen_random_uuid(), q.id, q.run_id, q.mapping, q.target_key, 'r.name', 'x', 'somebody', 'why', q.run_id
             from transfuse.quarantine q"""
    )
    found = await compared(target, run, Body(select=SELECT, refused=(refused,)))
    assert found == (Counts(read=11, unchanged=11), [])
    warned = await target.connection.fetchval("select warnings from transfuse.batch where pass = 4")
    assert msgspec.json.decode(warned) == [{"code": "edited", "column": "", "sqlstate": "", "count": 1}]


async def test_a_persons_values_excuse_nothing_once_a_later_run_has_loaded_the_row(target: Target) -> None:
    refused = RefusedRow(legacy_key="11", target_key=key(11).bytes, reasons=(Reason(code="rule"),), row=b"{}")
    await loaded(target, refused=(refused,))
    await target.connection.execute("insert into rows (id, name) values ($1, 'mended')", key(11))
    await target.connection.execute(
        """insert into transfuse.quarantine_edit
               (id, quarantine_id, run_id, mapping, target_key, "column", sealed_new, actor, reason, applied_by_run)
           select gen_random_uuid(), q.id, q.run_id, q.mapping, q.target_key, 'r.name', 'x', 'somebody', 'why', q.run_id
             from transfuse.quarantine q"""
    )
    mended = SELECT.replace("1, 10", "1, 11")
    later = await target.run({"parents": program("parents", ["id", "name"]), "rows": ROWS})
    await target.load(batch(later, "rows"), Body(select=mended), LoadMode.MERGE)
    await target.connection.execute("update transfuse.run_mapping set state = 'complete' where run_id = $1", later)
    await target.connection.execute("update rows set name = 'broken' where id = $1", key(11))
    counted, found = await compared(target, later, Body(select=mended))
    assert (counted, found) == (Counts(read=11, unchanged=10, different=1), [("different", ("name",), key(11), None)])


@pytest.mark.parametrize("policy", tuple(one for one in MissingParent if one is not MissingParent.FAIL_RUN))
async def test_whatever_becomes_of_missing_parents_a_right_target_is_equal(
    target: Target, policy: MissingParent
) -> None:
    await target.connection.execute(TABLES)
    await target.connection.execute("insert into parents values ($1, 'there')", key(1, "parent"))
    rows = program(
        "rows",
        ["id", "parent_id", "name"],
        references=(reference("parent_id", "parents", "parents", default=policy),),
        placeholders=(STANDING,) if policy is MissingParent.PLACEHOLDER else (),
    )
    run = await target.run({"parents": program("parents", ["id", "name"]), "rows": rows})
    select = """select md5('row ' || g)::uuid as id, md5('parent ' || g)::uuid as parent_id, 'name ' || g as name
                  from generate_series(1, 3) g"""
    body = Body(select=select, placeholders={"parents": PLACEHOLDER})
    await target.load(batch(run, "rows"), body)
    loaded_counts = await target.counts(batch(run, "rows"))
    counted, found = await compared(target, run, body)
    assert found == []
    assert counted.unchanged == loaded_counts.loaded
    assert (counted.filtered, counted.quarantined) == (loaded_counts.filtered, loaded_counts.quarantined)


async def test_a_row_that_went_with_its_parent_is_missing_and_fails_no_comparison(target: Target) -> None:
    await target.connection.execute(TABLES)
    rows = program(
        "rows",
        ["id", "parent_id"],
        references=(reference("parent_id", "parents", "parents", default=MissingParent.FAIL_RUN),),
    )
    run = await target.run({"parents": program("parents", ["id", "name"]), "rows": rows})
    select = "select md5('row 1')::uuid as id, md5('parent 1')::uuid as parent_id"
    found = await compared(target, run, Body(select=select))
    assert found == (Counts(read=1, different=1), [("missing", (), key(1), None)])


async def test_a_change_of_the_source_is_told_with_the_row(target: Target) -> None:
    run = await loaded(target)
    await target.connection.execute("update rows set name = '' where age in (2, 3)")
    ref = await comparison(target, run)
    sealed = target.keys[run].seal(msgspec.msgpack.encode(("legacy 3",)), batch_aad(ref, Stage.EXTRACT))
    await keep_body(target.connection, ref, Stage.EXTRACT, sealed)
    await target.loader.load(await target.message(ref, Body(select=SELECT), LoadMode.COMPARE))
    assert {(row[2], row[3]) for row in await findings(target, run)} == {(key(2), False), (key(3), True)}
    assert await read_body(target.connection, body_id(ref, Stage.EXTRACT)) is None


async def test_names_that_would_break_a_statement_are_only_names(target: Target) -> None:
    await target.connection.execute("""
        create table "ro""ws; drop" ("i d" uuid primary key, "na'me {0}" text, "select" integer, "%s :x" json);
        insert into "ro""ws; drop" values (md5('row 1')::uuid, 'a', 1, '{"a":  1}')
    """)
    names = ["i d", "na'me {0}", "select", "%s :x"]
    run = await target.run({"rows": program('ro"ws; drop', names)})
    select = """select md5('row 1')::uuid, 'a'::text, 1, '{"a":  1}'::json"""
    assert (await compared(target, run, Body(select=select)))[0] == Counts(read=1, unchanged=1)
    select = """select md5('row 1')::uuid, 'b'::text, null::integer, '{"a": 1}'::json"""
    assert (await compared(target, run, Body(select=select)))[1] == [("different", tuple(names[1:]), key(1), None)]


async def test_values_that_a_column_rounds_are_equal_to_what_it_made_of_them(target: Target) -> None:
    await target.connection.execute("create domain moment as timestamptz(0)")
    await target.connection.execute(
        "create table rows (id uuid primary key, a timestamp(3), b interval second(0), c moment, d time(1))"
    )
    run = await target.run({"rows": program("rows", ["id", "a", "b", "c", "d"])})
    select = """select md5('row 1')::uuid, '2024-01-01 00:00:00.123456'::timestamp, '1.6 s'::interval,
                       '2024-01-01 00:00:00.7+00'::timestamptz, '12:00:00.26'::time"""
    body = Body(select=select, encoding=Encoding.CSV)
    await target.load(batch(run, "rows"), body)
    assert await compared(target, run, body) == (Counts(read=1, unchanged=1), [])


async def test_a_second_pass_is_compared_on_the_rows_that_are_there(target: Target) -> None:
    await target.connection.execute(TABLES)
    await target.connection.execute("insert into parents select md5('parent ' || g)::uuid from generate_series(1, 5) g")
    first = {"parents": program("parents", ["id", "name"]), "rows": program("rows", ["id", "name"])}
    parent = reference("parent_id", "parents", "parents", default=MissingParent.NULL_IT)
    later = program("rows", ["id", "parent_id"], references=(parent,))
    run = await target.second(first, {"rows": later})
    await target.load(
        batch(run, "rows"), Body(select="select md5('row ' || g)::uuid, 'n' from generate_series(1, 6) g")
    )
    select = "select md5('row ' || g)::uuid, md5('parent ' || g)::uuid from generate_series(1, 7) g"
    await target.load(batch(run, "rows", pass_number=2), Body(select=select), LoadMode.PATCH)
    await target.connection.execute("update rows set parent_id = null where id = $1", key(2))
    await target.connection.execute("""
        insert into transfuse.run_mapping (run_id, mapping, pass, position, cut_complete, driving_rows, from_rows)
        select run_id, mapping, 5, 9, true, 0, 0 from transfuse.run_mapping where pass = 2;
        insert into transfuse.batch (run_id, mapping, pass, seq, state)
        select run_id, mapping, 5, 1, 'dispatched' from transfuse.run_mapping where pass = 5
    """)
    ref = batch(run, "rows", pass_number=5)
    await target.loader.load(await target.message(ref, Body(select=select), LoadMode.COMPARE))
    assert await counts(target, ref) == Counts(read=7, unchanged=5, filtered=1, different=1)
    assert await findings(target, run) == [("different", ("parent_id",), key(2), None)]


async def test_rows_that_no_row_of_the_source_explains_are_listed_and_placeholders_are_none(target: Target) -> None:
    await target.connection.execute(TABLES)
    referring = msgspec.structs.replace(ROWS, placeholders=(STANDING,))
    run = await target.run({"parents": program("parents", ["id", "name"]), "rows": referring})
    rows = Body(select=SELECT, placeholders={"parents": PLACEHOLDER})
    await target.load(batch(run, "rows"), rows)
    await target.connection.execute("insert into rows (id) values ($1), ($2)", key(20), key(21))
    await target.connection.execute("insert into parents (id) values ($1), ($2)", PLACEHOLDER, key(22))
    await compared(target, run, Body(select="select id, name from parents where false"), "parents")
    await compared(target, run, rows)
    await target.connection.execute("update transfuse.run set state = 'finishing' where id = $1", run)
    loader = BatchLoader(target.ledger.pool, target.keyring)
    for _ in range(2):
        await loader.extras.look(run)
    found = await target.connection.fetch("select mapping, target_key from transfuse.finding where kind = 'extra'")
    assert {tuple(row) for row in found} == {("parents", key(22)), ("rows", key(20)), ("rows", key(21))}
