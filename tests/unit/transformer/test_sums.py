"""What a batch sends of columns to be proven: of loaded, refused and filtered rows, and of values kept aside."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import polars as pl
import pytest

from services.transformer.engine import Engine
from shared.core.sums import SentSums
from shared.plan.compiled import CompiledMapping
from tests.transforming.mappings import VALUES, Options, compiled, transformed

ROWS = [("1.10", "x"), ("2.20", "x"), (None, "x"), ("4.40", "y"), ("8.80", None), ("123.45", "x")]
"""Amount and kind: `y` is filtered, a kind of NULL is undecided and so refused."""


def proving(mapping: CompiledMapping, *columns: str, plain: dict[str, str] | None = None) -> CompiledMapping:
    return msgspec.structs.replace(
        mapping,
        load=msgspec.structs.replace(mapping.load, proof_sums=columns),
        source=msgspec.structs.replace(mapping.source, sums=plain or {}),
    )


def amounts(kind: str = "numeric(6,2)", source: str = "numeric(6,2)", expression: str = "p.amount") -> CompiledMapping:
    return compiled(
        {"amount": source, "kind": "text"},
        {"id": ("uuid", "key()"), "amount": (kind, expression)},
        Options(keep="p.kind = 'x'"),
    )


def totals(sums: SentSums) -> tuple[object, ...]:
    return tuple(one.total for one in (sums.loaded, sums.refused, sums.filtered, sums.aside))


def test_a_mapping_without_a_proof_sends_no_sums(engine: Engine) -> None:
    body = transformed(engine, amounts(), ROWS)
    assert body.sums == ()
    assert b"sums" not in msgspec.msgpack.encode(body)


@pytest.mark.parametrize("plain", ({"amount": "c0"}, {}))
def test_rows_are_summed_by_what_becomes_of_them(engine: Engine, plain: dict[str, str]) -> None:
    (sums,) = transformed(engine, proving(amounts(), "amount", plain=plain), ROWS).sums
    assert (sums.column, totals(sums)) == ("amount", tuple(map(Decimal, ("126.75", "8.80", "4.40", "0"))))
    assert (sums.loaded.values, sums.refused.values, sums.filtered.values) == (3, 1, 1)


@pytest.mark.parametrize(
    ("kind", "source"), (("bigint", "bigint"), ("integer", "integer"), ("numeric", "numeric"), ("numeric", "bigint"))
)
def test_every_type_is_summed_without_an_overflow(engine: Engine, kind: str, source: str) -> None:
    largest = {"bigint": 2**63 - 1, "integer": 2**31 - 1, "numeric": 10**45}[source]
    mapping = proving(amounts(kind, source), "amount", plain={"amount": "c0"})
    (sums,) = transformed(engine, mapping, [(str(largest), "x")] * 100).sums
    assert (sums.loaded.total, sums.loaded.values) == (Decimal(100 * largest), 100)


def test_what_cannot_be_converted_is_summed_as_the_source_has_it(engine: Engine) -> None:
    mapping = proving(amounts("integer", "numeric(6,2)"), "amount", plain={"amount": "c0"})
    body = transformed(engine, mapping, [("1.50", "x"), ("2.00", "x")])
    assert body.row_count == 1
    assert totals(body.sums[0]) == (2, Decimal("1.5"), 0, 0)


def test_a_value_that_is_kept_aside_is_told_apart_from_the_loaded_ones(engine: Engine) -> None:
    mapping = compiled(
        {"amount": "numeric(6,2)", "kind": "text"},
        {"id": ("uuid", "key()"), "amount": ("integer", "p.amount"), "rest": ("jsonb", "rest()")},
        Options(bad_value=("amount",)),
    )
    body = transformed(engine, proving(mapping, "amount", plain={"amount": "c0"}), [("1.50", "x"), ("2.00", "x")])
    assert body.row_count == 2
    assert totals(body.sums[0]) == (2, 0, 0, Decimal("1.5"))


def test_a_row_that_no_statement_can_compute_is_summed_as_the_source_has_it(engine: Engine) -> None:
    mapping = compiled(
        {"amount": "numeric(6,2)", "n": "bigint"},
        {"id": ("uuid", "key()"), "amount": ("numeric(6,2)", "p.amount"), "power": ("bigint", "p.n * p.n")},
    )
    body = transformed(
        engine, proving(mapping, "amount", plain={"amount": "c0"}), [("1.50", "9000000000000000000"), ("2.00", "3")]
    )
    assert body.row_count == 1
    assert totals(body.sums[0]) == (2, Decimal("1.5"), 0, 0)


def test_nan_is_counted_and_has_no_part_in_the_sum(engine: Engine) -> None:
    mapping = proving(amounts("numeric", "numeric"), "amount", plain={"amount": "c0"})
    (sums,) = transformed(engine, mapping, [("NaN", "x"), ("2", "x"), ("NaN", "y")]).sums
    assert (sums.loaded.strange, sums.filtered.strange, totals(sums)) == (1, 1, (2, 0, 0, 0))


def test_rows_that_were_too_large_to_be_read_are_counted(engine: Engine) -> None:
    mapping = proving(amounts(), "amount", plain={"amount": "c0"})
    source = pl.DataFrame({"k0": ["1", "2"], "c0": [None, None], "c1": [None, None]})
    (sums,) = engine.refuse_size(mapping, source, VALUES).sums
    assert (sums.unread, totals(sums)) == (2, (0, 0, 0, 0))
