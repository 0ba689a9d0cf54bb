"""Tables with children: FROM parent reads their rows, a unique index on the parent does not prove their keys."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.ledger import planning
from tests.integration.extractor.conftest import address_of
from tests.integration.extractor.extractor import TARGET, Extractor, opened_extractor, plan_text
from tests.ledgers.ledger import Ledger

INHERITED = """
create table person (id integer primary key, first_name text not null);
create table contact (person_id integer primary key, city text);
create table old_person (primary key (id)) inherits (person);
create table oldest_person (reason text, primary key (id)) inherits (old_person);
create table old_contact (primary key (person_id)) inherits (contact);
insert into person select g, 'Name ' || g from generate_series(1, 20) g;
insert into old_person select g, 'Name ' || g from generate_series(21, 35) g;
insert into oldest_person select g, 'Name ' || g, 'x' from generate_series(36, 40) g;
insert into contact select g, 'City' from generate_series(1, 25) g;
insert into old_contact select g, 'City' from generate_series(26, 40) g;
"""
PARTITIONED = """
create table person (id integer, first_name text not null, primary key (id)) partition by range (id);
create table person_low partition of person for values from (minvalue) to (21);
create table person_mid partition of person for values from (21) to (36) partition by list (id);
create table person_odd partition of person_mid for values in (21, 23, 25, 27, 29, 31, 33, 35);
create table person_rest partition of person_mid default;
create table person_high (first_name text not null, id integer not null, primary key (id));
alter table person attach partition person_high for values from (36) to (maxvalue);
create table contact (person_id integer primary key, city text);
insert into person select g, 'Name ' || g from generate_series(1, 40) g;
insert into contact select g, 'City' from generate_series(1, 40) g;
"""
FROM = "person AS p LEFT JOIN contact AS c ON c.person_id = p.id"
ONLY = "ONLY person AS p LEFT JOIN contact AS c ON c.person_id = p.id"


@pytest.fixture
async def extractor(ledger: Ledger, legacy_url: str) -> AsyncIterator[Extractor]:
    await ledger.connection.execute(TARGET)
    async with opened_extractor(ledger, address_of(legacy_url)) as opened:
        yield opened


async def rows(extractor: Extractor) -> list[int]:
    """The keys of all batches, in order."""
    texts = [await extractor.rows(batch) for batch in await extractor.dispatched()]
    return sorted(int(line.split(b",")[0]) for text in texts for line in text.splitlines())


async def counts(extractor: Extractor) -> tuple[int, int]:
    """Rows of the driving table and of the FROM result, as planning counted them."""
    return tuple(
        await extractor.ledger.connection.fetchrow("select driving_rows, from_rows from transfuse.run_mapping")
    )


@pytest.mark.parametrize("tables", (INHERITED, PARTITIONED), ids=("inherited", "partitioned"))
async def test_every_row_of_every_child_is_counted_and_in_one_batch(
    extractor: Extractor, legacy: asyncpg.Connection, tables: str
) -> None:
    await legacy.execute(tables)
    run = await extractor.planned(plan_text(from_=FROM), batch_rows=7)
    assert await extractor.outcome(run) == ("running", "", "", "")
    assert await counts(extractor) == (40, 40)
    assert await rows(extractor) == list(range(1, 41))


@pytest.mark.parametrize(
    ("tables", "proven"), ((INHERITED, False), (PARTITIONED, True)), ids=("inherited", "partitioned")
)
async def test_a_unique_index_proves_the_key_over_partitions_and_not_over_children(
    extractor: Extractor, legacy: asyncpg.Connection, tables: str, proven: bool
) -> None:
    await legacy.execute(tables)
    text = plan_text(from_="person AS p").replace("c.city", "p.first_name") + "unmapped: {contact: not moved}\n"
    if tables == INHERITED:
        text = text.replace("not moved}", "not moved, old_contact: not moved}")
    run = await extractor.planned(text)
    async with extractor.ledger.pool.acquire() as connection:
        (mapping,) = (await planning.read_compiled(connection, run)).mappings
    assert (mapping.source.unique_proven, bool(mapping.source.driving_alias)) == (proven, proven)


@pytest.mark.parametrize(
    "doubled",
    (
        "insert into old_person values (7, 'Name 7')",
        "insert into oldest_person values (22, 'Name 22', 'x')",
    ),
    ids=("in parent and child", "in two children"),
)
async def test_a_key_that_stands_in_two_tables_of_one_family_is_refused(
    extractor: Extractor, legacy: asyncpg.Connection, doubled: str
) -> None:
    await legacy.execute(INHERITED)
    await legacy.execute(doubled)
    run = await extractor.planned(plan_text(from_=FROM))
    assert (await extractor.outcome(run))[:2] == ("failed", "key_repeats")
    assert await extractor.written() == 0


async def test_a_joined_child_that_doubles_a_unique_key_of_its_parent_multiplies_rows(
    extractor: Extractor, legacy: asyncpg.Connection
) -> None:
    await legacy.execute(INHERITED)
    await legacy.execute("insert into old_contact values (3, 'Other City')")
    run = await extractor.planned(plan_text(from_=FROM))
    assert (await extractor.outcome(run))[:2] == ("failed", "join_multiplies")


async def test_rows_that_joins_drop_and_double_in_equal_number_are_found(
    extractor: Extractor, legacy: asyncpg.Connection
) -> None:
    await legacy.execute(INHERITED)
    await legacy.execute("insert into old_contact values (3, 'Other City'); delete from contact where person_id = 9")
    run = await extractor.planned(plan_text(from_=FROM.replace("LEFT ", ""), excludes="expected"))
    assert (await extractor.outcome(run))[:2] == ("failed", "key_repeats")


async def test_from_only_reads_the_parents_own_rows_whatever_its_children_hold(
    extractor: Extractor, legacy: asyncpg.Connection
) -> None:
    await legacy.execute(INHERITED)
    await legacy.execute("insert into old_person values (7, 'Other 7')")
    listed = "unmapped: {old_person: history, oldest_person: history}\n"
    run = await extractor.planned(plan_text(from_=ONLY) + listed, batch_rows=7)
    assert await extractor.outcome(run) == ("running", "", "", "")
    assert await counts(extractor) == (20, 20)
    assert await rows(extractor) == list(range(1, 21))


async def test_children_of_a_table_that_is_read_by_from_only_are_mapped_or_listed_themselves(
    extractor: Extractor, legacy: asyncpg.Connection
) -> None:
    await legacy.execute(INHERITED)
    run = await extractor.planned(plan_text(from_=ONLY))
    state, _, message, _ = await extractor.outcome(run)
    assert state == "failed"
    assert "neither read by a mapping nor listed under `unmapped` with a reason: old_person" in message
