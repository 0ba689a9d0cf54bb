from __future__ import annotations

import pytest

from shared.ledger.bounds import BatchBounds
from shared.plan.compiled import Cut, KeyPart, SourceColumn, SourceProgram
from shared.plan.source_sql import (
    constant,
    count_driving_sql,
    every_nth_key_sql,
    integer_range_sql,
    null_key_sql,
    repeated_key_sql,
    sample_sql,
    select_sql,
    type_without_length,
)
from shared.postgres.identifiers import TableName


def program(
    *key: KeyPart, unique_proven: bool = False, content_key: bool = False, driving_alias: str = ""
) -> SourceProgram:
    return SourceProgram(
        driving=TableName(schema="legacy", name="person"),
        schema="legacy",
        tables=(TableName(schema="legacy", name="person"),),
        clause_sql='"legacy".person AS p',
        from_sql='"legacy".person AS p',
        key=key,
        cut_key=key,
        content_key=content_key,
        unique_proven=unique_proven,
        driving_alias=driving_alias,
        columns=(SourceColumn(name="c0", alias="p", column="x", sql='"p"."x"', type_name="text", duck_type="VARCHAR"),),
        cut=Cut.RANGES,
        excludes_expected=False,
        read_columns={},
    )


ID = KeyPart(name="k0", sql="p.id", type_name="integer", duck_type="INTEGER")
CODE = KeyPart(name="k1", sql="p.code", type_name="character varying(20)", duck_type="VARCHAR")


def test_a_batch_is_open_at_its_ends_and_half_open_between() -> None:
    assert select_sql(program(ID), BatchBounds()) == 'select p.id as k0, "p"."x" as c0\nfrom "legacy".person AS p'
    assert select_sql(program(ID), BatchBounds(lower=("1",), upper=("9",))).endswith(
        "\nwhere p.id > E'1'::integer and p.id <= E'9'::integer"
    )
    assert "<=" not in select_sql(program(ID), BatchBounds(lower=("1",)))


def test_a_key_of_several_parts_is_compared_as_a_row_and_ordered_by_all() -> None:
    sql = select_sql(program(ID, CODE), BatchBounds(upper=("1", "a'b\\")), ordered=True)
    assert sql.endswith("\nwhere (p.id, p.code) <= (E'1'::integer, E'a''b\\\\'::text)\norder by p.id, p.code")


def test_a_list_of_keys_is_a_condition_beside_the_range() -> None:
    assert select_sql(program(ID), BatchBounds(keys=(("1",), ("9",)), lower=("0",))).endswith(
        "\nwhere p.id > E'0'::integer and p.id in (E'1'::integer, E'9'::integer)"
    )
    assert select_sql(program(ID, CODE), BatchBounds(keys=(("1", "a'b\\"), ("2", "")))).endswith(
        "\nwhere (p.id, p.code) in (values (E'1'::integer, E'a''b\\\\'::text), (E'2'::integer, E''::text))"
    )
    assert select_sql(program(ID), BatchBounds(keys=())).endswith("\nwhere false")


def test_bounds_of_another_key_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        select_sql(program(ID), BatchBounds(upper=("1", "2")))


@pytest.mark.parametrize(
    ("type_name", "expected"),
    (
        ("character varying(20)", "text"),
        ("character(3)", "bpchar"),
        ("numeric(10,2)", "numeric"),
        ("numeric(5,-2)", "numeric"),
        ("timestamp(3) without time zone", "timestamp without time zone"),
        ("bit(3)", "varbit"),
        ("public.citext", "public.citext"),
        ('"odd (3)"."type(4)"', '"odd (3)"."type(4)"'),
    ),
)
def test_a_bound_is_never_cut_to_the_length_of_its_column(type_name: str, expected: str) -> None:
    assert type_without_length(type_name) == expected


def test_a_constant_holds_no_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        constant("a\0b", "text")


def test_what_the_catalogue_guarantees_is_not_asked() -> None:
    assert null_key_sql(program(ID, unique_proven=True)) is None
    assert repeated_key_sql(program(ID, unique_proven=True)) is None
    assert "having max(g.row_count) > 1" in str(repeated_key_sql(program(ID, CODE)))
    assert "p.id is null or p.code is null" in str(null_key_sql(program(ID, CODE)))


def test_what_equal_counts_prove_is_not_asked_and_the_driving_table_alone_tells_the_keys() -> None:
    joined = program(ID, driving_alias="p")
    assert null_key_sql(joined) is None
    assert repeated_key_sql(joined) is None
    alone = 'from "legacy"."person" as "p"'
    assert integer_range_sql(joined) == f"select min(p.id), max(p.id) {alone}"
    assert sample_sql(joined, 9).endswith(f"\nwhere p.id in (select p.id {alone} limit 9)")
    assert sample_sql(program(ID), 9).endswith('from "legacy".person AS p\nlimit 9')


def test_the_driving_table_is_counted_by_itself() -> None:
    assert count_driving_sql(program(ID)) == 'select count(*) from "legacy"."person"'


def test_a_batch_has_rows() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        every_nth_key_sql(program(ID), 0)
