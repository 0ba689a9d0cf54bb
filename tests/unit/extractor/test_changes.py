"""Which rows count as written since a snapshot: transaction ids go round at 2^32."""

from __future__ import annotations

from services.extractor.changes import Seen, canonical, changed_keys_sql, written_sql
from shared.ledger.bounds import BatchBounds
from shared.plan.compiled import Cut, KeyPart, SourceProgram
from shared.postgres.identifiers import TableName

PERSON = TableName(schema="legacy", name="person")
SOURCE = SourceProgram(
    driving=PERSON,
    schema="legacy",
    tables=(PERSON,),
    clause_sql="",
    from_sql="legacy.person AS p",
    key=(
        KeyPart(name="k0", sql="p.id", type_name="integer", duck_type="INTEGER", form="integer"),
        KeyPart(name="k1", sql="p.code", type_name="character(4)", duck_type="VARCHAR", form="padded"),
    ),
    cut_key=(KeyPart(name="k0", sql="p.id", type_name="integer", duck_type="INTEGER", form="integer"),),
    content_key=False,
    columns=(),
    cut=Cut.RANGES,
    excludes_expected=False,
    read_columns={},
    row_tables={"p": PERSON},
)


def test_a_snapshot_is_read_as_the_server_writes_it() -> None:
    assert Seen.from_text("10:20:10,14") == Seen(newest=20, running=(10, 14))
    assert Seen.from_text("10:10:") == Seen(newest=10, running=())


def test_ids_are_taken_within_their_round_and_the_name_of_a_table_is_quoted() -> None:
    text = written_sql('a "b', f"1:{2**32 + 7}:{2**32 + 3}", 5)
    assert '"a ""b".xmin::text::bigint - 7 + 4294967296) % 4294967296 < 5' in text
    assert "in (3)" in text
    assert "in (null)" in written_sql("p", "7:7:", 5)


def test_the_keys_of_a_range_are_asked_for_within_it() -> None:
    within = changed_keys_sql(SOURCE, BatchBounds(lower=("5",)), "7:7:", 1, ("p",))
    assert within.count("where") == 1
    assert ' and (("p".xmin' in within
    assert changed_keys_sql(SOURCE, BatchBounds(), "7:7:", 1, ("p",)).count("where") == 1


def test_a_key_is_the_text_that_the_transformer_makes_of_it() -> None:
    assert canonical(SOURCE, ("007", "a|b ")) == "7|a\\|b"
