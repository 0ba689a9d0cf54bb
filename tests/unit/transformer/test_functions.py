"""Every example in a function's documentation is true, and what it calls a failure is a reason of the row."""

from __future__ import annotations

import pytest

from services.transformer.engine import Engine
from shared.plan.functions import FUNCTIONS, Example
from shared.plan.functions.codebook import LEAF
from shared.plan.model import Codebook
from tests.transforming.mappings import PLACE, Options, answer, compiled, reasons, transformed

EXAMPLES = [(function.name, example) for function in FUNCTIONS.values() for example in function.examples]


@pytest.mark.parametrize("name", sorted({name for name, _ in EXAMPLES}))
def test_the_examples_of_a_function_are_true(engine: Engine, name: str) -> None:
    examples = [example for known, example in EXAMPLES if known == name]
    columns = {f"e{number}": ("text", example.call) for number, example in enumerate(examples)}
    mapping = compiled({"a": "text"}, columns)
    found = answer(engine, mapping, [("x",)]).row(0)
    body = transformed(engine, mapping, [("x",)])
    failed = {column for row in body.refused for _, column in reasons(row)}
    assert list(found) == [example.result for example in examples]
    assert failed == {f"e{number}" for number, example in enumerate(examples) if example.fails}


def test_an_example_that_fails_has_no_result() -> None:
    assert all(example.result is None for _, example in EXAMPLES if example.fails)
    assert Example(call="x").result is None


@pytest.mark.parametrize("size", (0, 1, LEAF, LEAF + 1, 5 * LEAF + 3))
def test_a_codebook_of_any_size_finds_every_code_and_no_other(engine: Engine, size: int) -> None:
    meanings = {f"{'é' * (number % 3)}{number}": f"it's {number}" for number in range(size)}
    book = Codebook(name="book", position=PLACE, meanings=meanings)
    mapping = compiled({"a": "text"}, {"v": ("text", "codebook('book', p.a)")}, Options(codebooks=(book,)))
    rows = [(code,) for code in [*meanings, "", "999999", "zzz"]] + [(None,)]
    assert answer(engine, mapping, rows)["v"].to_list() == [*meanings.values(), None, None, None, None]
    assert len(transformed(engine, mapping, rows).refused) == 3


def test_source_table_is_the_driving_table(engine: Engine) -> None:
    mapping = compiled({"a": "text"}, {"v": ("text", "source_table()")})
    assert answer(engine, mapping, [("x",)])["v"].to_list() == ["people"]
