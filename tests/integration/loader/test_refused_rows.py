"""Rows that the target refuses go to quarantine with their reasons, and the rest of their batch is loaded."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.core.counts import Counts
from shared.core.errors import BatchError, RunError
from shared.core.states import Encoding
from shared.messages.data import Reason, RefusedRow
from shared.plan.compiled import LoadProgram
from shared.plan.model import MissingParent, QuarantineLimit
from tests.loading.target import Body, Target, batch, keys, program, reference

ROWS = 400
TABLES = """
create type mood as enum ('calm', 'glad');
create domain short as text check (length(value) < 9);
create table parents (id uuid primary key);
insert into parents select md5('parent ' || g)::uuid from generate_series(0, 9) g;
create table rows (
    id uuid primary key, parent_id uuid references parents (id) deferrable initially deferred,
    email text, amount integer not null, mood mood, name varchar(8), note short, data jsonb,
    constraint amount_is_positive check (amount >= 0), constraint one_email unique (email) deferrable initially deferred
);
create function refuse() returns trigger language plpgsql as $$
begin
    if new.name = 'raise' then raise exception 'row % refused', new.email; end if;
    if new.name = 'code' then
        raise exception 'refused' using errcode = 'PT409', column = new.email, constraint = new.email;
    end if;
    if new.name = 'assert' then assert false, new.email; end if;
    return new;
end $$;
create trigger refuse after insert on rows for each row execute function refuse();
"""
COLUMNS = {
    "id": "md5('row ' || g)::uuid",
    "parent_id": "md5('parent ' || g % 10)::uuid",
    "email": "'mail ' || g",
    "amount": "g",
    "mood": "'calm'::text",
    "name": "'name'",
    "note": "'note'::text",
    "data": "jsonb_build_object('g', g)",
}


def select(bad: str = "false", *, rows: int = ROWS, **instead: str) -> str:
    """Rows of which those that fulfil `bad` have other values for some columns."""
    values = [
        f"case when {bad} then {instead[name]} else {value} end" if name in instead else value
        for name, value in COLUMNS.items()
    ]
    return f"select {', '.join(values)} from generate_series(1, {rows}) g"  # noqa: S608 - a test's own texts


def loading(**more: object) -> LoadProgram:
    return program("rows", tuple(COLUMNS), **more)


@pytest.fixture
async def ground(target: Target) -> Target:
    await target.connection.execute(TABLES)
    return target


DEFECTS = {
    "a check": ({"amount": "-g"}, ("check", "amount_is_positive", "23514")),
    "a missing value": ({"amount": "null::integer"}, ("required", "amount", "23502")),
    "an unknown label": ({"mood": "'sad'::text"}, ("cast", "", "22P02")),
    "a length": ({"name": "'too long for it'"}, ("too_long", "", "22001")),
    "a domain": ({"note": "'too long for it'"}, ("check", "", "23514")),
    "a parent": ({"parent_id": "md5('nobody ' || g)::uuid"}, ("missing_parent", "parent_id", "23503")),
    "a trigger": ({"name": "'raise'"}, ("refused_by_trigger", "", "P0001")),
    "a trigger's own code": ({"name": "'code'"}, ("refused_by_trigger", "", "PT409")),
    "a trigger's assertion": ({"name": "'assert'"}, ("refused_by_trigger", "", "P0004")),
}


@pytest.mark.parametrize(("every", "encoding"), ((100, Encoding.BINARY), (10, Encoding.CSV), (2, Encoding.BINARY)))
@pytest.mark.parametrize("defect", DEFECTS)
async def test_exactly_the_bad_rows_are_quarantined(
    ground: Target, defect: str, every: int, encoding: Encoding
) -> None:
    instead, reason = DEFECTS[defect]
    run = await ground.run({"rows": loading()})

    settled = await ground.load(
        batch(run, "rows"), Body(select=select(f"g % {every} = 0", rows=ROWS, **instead), encoding=encoding)
    )

    bad = ROWS // every
    assert settled.counts == Counts(read=ROWS, loaded=ROWS - bad, quarantined=bad)
    assert await ground.reasons(run) == {reason: bad}
    manifest = await ground.manifest(batch(run, "rows"))
    assert manifest["quarantined"] == keys(range(every, ROWS + 1, every))
    assert manifest["written"] == {row["id"] for row in await ground.connection.fetch("select id from rows")}
    assert await ground.connection.fetchval(
        "select count(*) from rows r join transfuse.manifest m on m.transaction_id::xid = r.xmin"
    ) == len(manifest["written"])


@pytest.mark.parametrize("defect", sorted(DEFECTS.keys() - {"a parent"}))
async def test_a_batch_of_which_all_rows_are_refused_for_one_reason_stops_the_run(ground: Target, defect: str) -> None:
    instead, (_code, _column, sqlstate) = DEFECTS[defect]
    run = await ground.run({"rows": loading()})
    with pytest.raises(RunError, match=sqlstate) as told:
        await ground.load(batch(run, "rows"), Body(select=select("true", rows=100, **instead)))
    assert told.value.code == "target_refused"
    assert await ground.reasons(run) == {}
    few = await ground.load(batch(run, "rows"), Body(select=select("true", rows=99, **instead)))
    assert few.counts == Counts(read=99, quarantined=99)


async def test_all_rows_may_be_refused_for_several_reasons(ground: Target) -> None:
    run = await ground.run({"rows": loading()})
    several = select("true", amount="case when g % 2 = 0 then -g end")
    settled = await ground.load(batch(run, "rows"), Body(select=several))
    assert settled.counts == Counts(read=ROWS, quarantined=ROWS)
    assert await ground.reasons(run) == {
        ("check", "amount_is_positive", "23514"): 200,
        ("required", "amount", "23502"): 200,
    }


@pytest.mark.parametrize("every", (100, 10, 2, 1))
async def test_of_rows_with_one_unique_value_the_first_is_loaded(ground: Target, every: int) -> None:
    run = await ground.run({"rows": loading()})
    same = select(f"g % {every} = 0", email="'the same'")
    settled = await ground.load(batch(run, "rows"), Body(select=same))
    repeated = ROWS // every - 1
    assert settled.counts == Counts(read=ROWS, loaded=ROWS - repeated, quarantined=repeated)
    assert await ground.reasons(run) == {("duplicate_of", "email", "23505"): repeated}
    winner = await ground.connection.fetchval("select id from rows where email = 'the same'")
    assert {winner} == keys([every])


async def test_a_unique_value_that_the_plan_declares_free_of_duplicates_stops_the_run(ground: Target) -> None:
    run = await ground.run({"rows": loading(unique_checked=("email",))})
    with pytest.raises(RunError) as told:
        await ground.load(batch(run, "rows"), Body(select=select("g < 3", email="'the same'")))
    assert told.value.code == "not_unique"


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_what_copy_itself_cannot_read_is_found_row_by_row(target: Target, encoding: Encoding) -> None:
    await target.connection.execute("create table rows (id uuid primary key, data json, at text[])")
    run = await target.run({"rows": program("rows", ("id", "data", "at"))})
    text = """select md5('row ' || g)::uuid, case when g % 40 = 0 then 'x' else '{}' end, null
                from generate_series(1, 400) g"""
    settled = await target.load(batch(run, "rows"), Body(select=text, encoding=encoding))
    assert settled.counts == Counts(read=400, loaded=390, quarantined=10)
    assert await target.reasons(run) == {("cast", "data", "22P02"): 10}
    manifest = await target.manifest(batch(run, "rows"))
    assert manifest["quarantined"] == keys(range(40, 401, 40))
    assert manifest["written"] == {row["id"] for row in await target.connection.fetch("select id from rows")}
    assert {opened["data"] for _row, _key, opened in await target.quarantined(run)} == {"x"}


async def test_a_quarantined_row_keeps_its_key_its_row_and_a_masked_rendering(ground: Target) -> None:
    run = await ground.run({"rows": loading(clear=("amount",))})
    await ground.load(batch(run, "rows"), Body(select=select("g = 7", rows=9, amount="-7", name="null", note="''")))
    ((row, legacy_key, opened),) = await ground.quarantined(run)
    assert (row["stage"], legacy_key, {row["target_key"]}) == ("load", "legacy 7", keys([7]))
    assert opened == {
        "id": str(row["target_key"]),
        "parent_id": opened["parent_id"],
        "email": "mail 7",
        "amount": "-7",
        "mood": "calm",
        "name": None,
        "note": "",
        "data": '{"g": 7}',
    }
    masked = row["masked"]
    assert '"amount": "-7"' in masked
    assert '"email": {"kind": "text", "length": 6}' in masked
    assert '"name": {"kind": "null", "length": 0}' in masked
    assert "mail 7" not in masked
    assert str(row["target_key"]) not in masked


async def test_a_trigger_cannot_smuggle_a_value_into_a_reason_or_an_error(ground: Target) -> None:
    run = await ground.run({"rows": loading()})
    await ground.load(batch(run, "rows"), Body(select=select("g = 7", rows=9, name="'code'")))
    assert await ground.reasons(run) == {("refused_by_trigger", "", "PT409"): 1}
    with pytest.raises(RunError) as told:
        await ground.load(
            batch(await ground.run({"rows": loading()}), "rows"),
            Body(select=select("true", rows=100, id="md5('new ' || g)::uuid", email="'new ' || g", name="'raise'")),
        )
    assert "mail" not in str(told.value)
    assert "new" not in str(told.value)


FATES = ("absent", "filtered", "quarantined")


@pytest.mark.parametrize("enforced", (True, False))
@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("policy", (MissingParent.QUARANTINE, MissingParent.NULL_IT, MissingParent.FILTER_TOO))
async def test_a_missing_parent_is_treated_by_what_became_of_it(
    ground: Target, fate: str, policy: MissingParent, enforced: bool
) -> None:
    if not enforced:
        await ground.connection.execute("alter table rows drop constraint rows_parent_id_fkey")
    lost = {"absent": 11, "filtered": 12, "quarantined": 13}[fate]
    refers = reference("parent_id", "parents", "parents", enforced=enforced, **{fate: policy})
    run = await ground.run(
        {"parents": program("parents", ("id",)), "rows": loading(references=(refers,))},
    )
    await _lose_parents(ground, run)

    settled = await ground.load(
        batch(run, "rows"), Body(select=select("g % 10 = 0", parent_id=f"md5('parent {lost}')::uuid"))
    )

    bad = ROWS // 10
    outcome = {MissingParent.QUARANTINE: "quarantined", MissingParent.NULL_IT: "loaded"}.get(policy, "filtered")
    expected = {"loaded": ROWS - bad} | {outcome: ROWS if outcome == "loaded" else bad}
    assert settled.counts == Counts(read=ROWS, **expected)
    quarantined = policy is MissingParent.QUARANTINE
    assert await ground.reasons(run) == (
        {("required", "", "23514"): 1, ("missing_parent", "parent_id", ""): bad}
        if quarantined
        else {("required", "", "23514"): 1}
    )
    assert await ground.connection.fetchval("select count(*) from rows where parent_id is null") == (
        bad if policy is MissingParent.NULL_IT else 0
    )
    waiting = await ground.connection.fetchval("select count(*) from transfuse.quarantine where waits_for = 'parents'")
    assert waiting == (bad if quarantined else 0)
    warned = await ground.connection.fetchval("select warnings from transfuse.batch where mapping = 'rows'")
    assert ('"count": 40' in warned) == (policy is MissingParent.NULL_IT)


async def _lose_parents(ground: Target, run: UUID) -> None:
    """Parent 12 is filtered and parent 13 quarantined; nobody has heard of 11."""
    (quarantined,) = keys([13], "parent")
    refused = RefusedRow(
        legacy_key="13", target_key=quarantined.bytes, reasons=(Reason(code="required", sqlstate="23514"),), row=b"{}"
    )
    body = Body(select="select id from parents where false", filtered=tuple(keys([12], "parent")), refused=(refused,))
    await ground.load(batch(run, "parents"), body)


async def test_fates_are_found_in_the_migrations_latest_run_when_this_one_has_no_parents(ground: Target) -> None:
    first = await ground.run({"parents": program("parents", ("id",))})
    await _lose_parents(ground, first)
    refers = reference(
        "parent_id", "parents", "parents", filtered=MissingParent.NULL_IT, default=MissingParent.QUARANTINE
    )
    run = await ground.run({"rows": loading(references=(refers,))})
    settled = await ground.load(
        batch(run, "rows"), Body(select=select("g <= 4", parent_id="md5('parent ' || 10 + g)::uuid"))
    )
    assert settled.counts == Counts(read=ROWS, loaded=ROWS - 3, quarantined=3)


async def test_a_missing_parent_may_fail_the_run(ground: Target) -> None:
    refers = reference("parent_id", "parents", "parents", default=MissingParent.FAIL_RUN)
    run = await ground.run({"rows": loading(references=(refers,))})
    with pytest.raises(RunError) as told:
        await ground.load(batch(run, "rows"), Body(select=select("g = 7", parent_id="md5('x')::uuid")))
    assert told.value.code == "missing_parent"
    assert await ground.connection.fetchval("select count(*) from rows") == 0


async def test_every_reason_of_a_row_is_kept_and_quarantine_wins_over_filtering(ground: Target) -> None:
    await ground.connection.execute("alter table rows add second_id uuid")
    columns = (*COLUMNS, "second_id")
    refers = (
        reference("second_id", "parents", "parents", enforced=False, default=MissingParent.FILTER_TOO),
        reference("parent_id", "parents", "parents", default=MissingParent.QUARANTINE),
    )
    run = await ground.run({"rows": program("rows", columns, references=refers)})
    both = select("g <= 2", parent_id="md5('x')::uuid").replace(
        " from generate", ", case when g < 4 then md5('y')::uuid end from generate"
    )
    settled = await ground.load(batch(run, "rows"), Body(select=both))
    assert settled.counts == Counts(read=ROWS, loaded=ROWS - 3, quarantined=2, filtered=1)


async def test_several_defects_in_one_batch_are_told_apart(ground: Target) -> None:
    refers = reference("parent_id", "parents", "parents")
    run = await ground.run({"rows": loading(references=(refers,))})
    mixed = select(
        "g % 100 < 3",
        parent_id="case when g % 100 = 0 then md5('x')::uuid else md5('parent 1')::uuid end",
        amount="case when g % 100 = 1 then -1 else g end",
        email="case when g % 100 = 2 then 'same' else 'mail ' || g end",
    )
    settled = await ground.load(batch(run, "rows"), Body(select=mixed))
    assert settled.counts == Counts(read=ROWS, loaded=ROWS - 11, quarantined=11)
    assert await ground.reasons(run) == {
        ("missing_parent", "parent_id", ""): 4,
        ("check", "amount_is_positive", "23514"): 4,
        ("duplicate_of", "email", "23505"): 3,
    }


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_a_second_run_finds_every_row_unchanged(ground: Target, encoding: Encoding) -> None:
    body = Body(select=select("g % 10 = 0", name="null", data='\'{"b": 1.0, "a": null}\'::jsonb'), encoding=encoding)
    first = await ground.run({"rows": loading()})
    await ground.load(batch(first, "rows"), body)
    before = await ground.connection.fetch("select xmin, * from rows order by id")

    run = await ground.run({"rows": loading()}, batches=2)
    assert (await ground.load(batch(run, "rows"), body)).counts == Counts(read=ROWS, unchanged=ROWS)
    assert (await ground.load(batch(run, "rows", 2), body)).counts == Counts(read=ROWS, unchanged=ROWS)

    assert await ground.connection.fetch("select xmin, * from rows order by id") == before
    manifest = await ground.manifest(batch(run, "rows"))
    assert (manifest["unchanged"], manifest["written"]) == (keys(range(1, ROWS + 1)), set())


async def test_a_row_that_differs_from_the_one_in_the_target_is_quarantined_as_taken(ground: Target) -> None:
    await ground.load(batch(await ground.run({"rows": loading()}), "rows"), Body(select=select(rows=300)))
    await ground.connection.execute(
        "update rows set name = 'NAME' where amount <= 5; update rows set data = null where amount = 9"
    )
    run = await ground.run({"rows": loading()})
    settled = await ground.load(batch(run, "rows"), Body(select=select()))
    assert settled.counts == Counts(read=ROWS, loaded=100, unchanged=294, quarantined=6)
    assert await ground.reasons(run) == {("key_taken", "id", ""): 6}


async def test_a_run_of_bad_rows_finds_the_same_rows_bad_again(ground: Target) -> None:
    body = Body(select=select("g % 10 = 0", amount="-1"))
    await ground.load(batch(await ground.run({"rows": loading()}), "rows"), body)
    again = await ground.load(batch(await ground.run({"rows": loading()}), "rows"), body)
    assert again.counts == Counts(read=ROWS, unchanged=360, quarantined=40)


@pytest.mark.parametrize(
    ("type_name", "values"),
    (
        ("json", ("'{\"a\": 1}'", "'{\"a\":1}'")),
        ("xml", ("'<a/>'::xml", "'<a></a>'::xml")),
        ("interval", ("'1 month'::interval", "'30 days'::interval")),
        ("point", ("'(1,2)'::point", "'(1,3)'::point")),
        ("box", ("'(1,1),(0,0)'::box", "'(2,2),(1,1)'::box")),
        ("char(4)", ("'a'::char(4)", "'b'::char(4)")),
        ("numeric(8,2)", ("1.50::numeric(8,2)", "1.51::numeric(8,2)")),
        ("text[]", ("array['a', null]", "array['a', 'null']")),
        ("float8", ("'NaN'::float8", "0.1::float8")),
        ("timestamptz", ("'infinity'::timestamptz", "now()")),
        ("bytea", ("'\\x00'::bytea", "''::bytea")),
    ),
)
async def test_values_are_equal_only_if_they_are_the_same(
    target: Target, type_name: str, values: tuple[str, str]
) -> None:
    await target.connection.execute(f"create table rows (id uuid primary key, value {type_name})")
    same, other = values
    for value, outcome in ((same, "loaded"), (same, "unchanged"), (other, "quarantined"), ("null", "quarantined")):
        run = await target.run({"rows": program("rows", ("id", "value"))})
        settled = await target.load(
            batch(run, "rows"), Body(select=f"select md5('x')::uuid, {value}", encoding=Encoding.CSV)
        )
        assert settled.counts == Counts(read=1, **{outcome: 1}), value


async def test_texts_are_compared_as_written_whatever_their_collation_finds_equal(target: Target) -> None:
    icu = await target.connection.fetchval("select exists (select from pg_collation where collprovider = 'i')")
    if icu:  # servers built without ICU have no such collations
        await target.connection.execute(
            "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
    collation = "collate ci" if icu else ""
    await target.connection.execute(f"create table rows (id uuid primary key, value text {collation})")
    for value, outcome in (("'a'", "loaded"), ("'a'", "unchanged"), ("'A'", "quarantined")):
        run = await target.run({"rows": program("rows", ("id", "value"))})
        settled = await target.load(batch(run, "rows"), Body(select=f"select md5('x')::uuid, {value}"))
        assert settled.counts == Counts(read=1, **{outcome: 1}), value


async def test_the_rows_of_a_junction_are_known_by_their_mapped_primary_key(target: Target) -> None:
    await target.connection.execute("create table links (one uuid, other integer, note text, primary key (one, other))")
    links = program("links", ("one", "other", "note"), key_column="", primary_key=("one", "other"))
    body = Body(select="select md5(g::text)::uuid, g, 'n' from generate_series(1, 10) g")
    await target.load(batch(await target.run({"links": links}), "links"), body)
    again = await target.load(batch(await target.run({"links": links}), "links"), body)
    assert again.counts == Counts(read=10, unchanged=10)


async def test_a_table_guarded_by_row_security_loads_all_the_same(target: Target) -> None:
    await target.connection.execute(
        """create table rows (id uuid primary key);
           alter table rows enable row level security, force row level security;
           create policy loader on rows for all using (true) with check (true)"""
    )
    run = await target.run({"rows": program("rows", ("id",))})
    settled = await target.load(
        batch(run, "rows"), Body(select="select md5(g::text)::uuid from generate_series(1, 9) g")
    )
    assert settled.counts == Counts(read=9, loaded=9)


async def test_identities_that_are_always_generated_keep_the_plans_values(target: Target) -> None:
    await target.connection.execute(
        """create table rows (id uuid primary key, number integer generated always as identity,
                              amount integer check (amount > 0))"""
    )
    run = await target.run({"rows": program("rows", ("id", "number", "amount"))})
    body = Body(select="select md5(g::text)::uuid, g * 10, g - 1 from generate_series(1, 9) g")
    settled = await target.load(batch(run, "rows"), body)
    assert settled.counts == Counts(read=9, loaded=8, quarantined=1)
    assert await target.connection.fetchval("select max(number) from rows") == 90


async def test_a_target_that_changes_its_mind_costs_an_attempt(ground: Target) -> None:
    """Accepted in the trial, refused in earnest: a trigger that counts its calls."""
    await ground.connection.execute(
        """create sequence calls;
           create function moody() returns trigger language plpgsql as $$
           begin
               if new.amount = 7 or (new.amount = 8 and nextval('public.calls') > 1) then
                   raise exception using errcode = '23514';
               end if;
               return new;
           end $$;
           create trigger moody before insert on rows for each row execute function moody()"""
    )
    run = await ground.run({"rows": loading()})
    with pytest.raises(BatchError) as told:
        await ground.load(batch(run, "rows"), Body(select=select(rows=9)))
    assert told.value.code == "target_moved"
    assert await ground.connection.fetchval("select count(*) from rows") == 0


@pytest.mark.parametrize(
    ("rows", "share", "paused"), ((9, 0.0, True), (10, 0.0, False), (0, 0.5, True), (0, 1.0, False))
)
async def test_beyond_its_quarantine_limit_a_mapping_pauses_with_its_top_reasons(
    ground: Target, rows: int, share: float, paused: bool
) -> None:
    run = await ground.run({"rows": loading(quarantine_limit=QuarantineLimit(rows=rows, share=share))})
    await ground.load(batch(run, "rows"), Body(select=select("g % 40 = 0", amount="-1")))
    state, reason, message = await ground.connection.fetchrow(
        "select state, reason, message from transfuse.run_mapping"
    )
    assert (state == "paused") == paused
    assert (reason == "quarantine_limit") == paused
    assert ("check amount_is_positive 10" in message) == paused


async def test_what_a_resume_accepted_does_not_pause_the_mapping_again(ground: Target) -> None:
    run = await ground.run({"rows": loading(quarantine_limit=QuarantineLimit(rows=5, share=0))}, batches=2)
    await ground.load(batch(run, "rows"), Body(select=select("g % 40 = 0", amount="-1")))
    await ground.connection.execute("update transfuse.run_mapping set state = 'open', quarantine_accepted = 10")
    second = (
        select("g % 100 = 0", amount="-1", id="md5('row ' || g)::uuid")
        .replace("'row '", "'second '")
        .replace("'mail", "'other")
    )
    await ground.load(batch(run, "rows", 2), Body(select=second))
    assert await ground.connection.fetchval("select state from transfuse.run_mapping") == "open"
