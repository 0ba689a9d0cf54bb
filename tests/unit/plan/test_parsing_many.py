from __future__ import annotations

import pytest

from shared.plan import expressions
from shared.plan.expressions import BadExpression, parse, parse_all, print_all, print_sql

TEXTS = ("p.id", "clean(p.name) || 'é'", "CASE WHEN p.a THEN 1 END", "rest(except := ['a'])", "count(*) FILTER (p.a)")
BAD = ("p.id p.name", "1, 2", "SELECT 1", "'open", "")


@pytest.fixture(autouse=True)
def nothing_is_known() -> None:
    for memory in (expressions._parsed, expressions._printed, expressions._calls):
        memory.clear()


def test_many_expressions_are_parsed_and_printed_as_each_by_itself() -> None:
    together = parse_all([*TEXTS, *BAD])
    printed = print_all(together[text].tree for text in together)
    expressions._parsed.clear()
    expressions._printed.clear()
    assert together == {text: parse(text) for text in together}
    assert printed == [print_sql(parse(text).tree) for text in together]
    assert set(TEXTS[:4]) <= set(together)


def test_what_is_no_expression_is_left_out_and_refused_by_itself() -> None:
    assert not set(BAD) & set(parse_all([*TEXTS, *BAD]))
    for text in BAD:
        with pytest.raises(BadExpression):
            parse(text)


def test_the_memory_of_texts_has_an_end() -> None:
    for number in range(expressions.REMEMBERED + 1):
        expressions.remember(expressions._printed, str(number), "x")
    assert len(expressions._printed) == 1
