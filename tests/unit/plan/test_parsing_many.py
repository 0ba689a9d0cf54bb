from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.plan import expressions
from shared.plan.expressions import BadExpression, Expression, parse, parse_all, print_all, print_sql

TEXTS = ("p.id", "clean(p.name) || 'é'", "CASE WHEN p.a THEN 1 END", "rest(except := ['a'])", "count(*) FILTER (p.a)")
BAD = ("p.id p.name", "1, 2", "SELECT 1", "'open", "")


@pytest.fixture(autouse=True)
def nothing_is_known() -> None:
    expressions._parsed.forget()
    expressions._printed.forget()


def test_many_expressions_are_parsed_and_printed_as_each_by_itself() -> None:
    together = parse_all([*TEXTS, *BAD])
    printed = print_all(together[text].tree for text in together)
    expressions._parsed.forget()
    expressions._printed.forget()
    assert together == {text: parse(text) for text in together}
    assert printed == [print_sql(parse(text).tree) for text in together]
    assert set(TEXTS[:4]) <= set(together)


def test_what_is_no_expression_is_left_out_and_refused_by_itself() -> None:
    assert not set(BAD) & set(parse_all([*TEXTS, *BAD]))
    for text in BAD:
        with pytest.raises(BadExpression):
            parse(text)


def test_the_memory_of_trees_is_bounded_by_their_size_and_not_by_their_number() -> None:
    long = f"[{', '.join('1' for _ in range(2500))}]"
    for number in range(30):
        parse(f"{long} || {number}")
    assert 0 < expressions._parsed.weight <= expressions.MOST_REMEMBERED


def test_texts_are_parsed_in_parts_and_all_are_found() -> None:
    texts = [f"'{'x' * 7000}{number}'" for number in range(20)]
    assert len(list(expressions.in_parts(texts))) == 3
    assert list(parse_all(texts)) == texts


def test_what_one_thread_forgets_another_one_can_still_say() -> None:
    trees = [parse(text).tree for text in TEXTS[:4]]
    known = print_all(trees)
    ended = threading.Event()

    def forget() -> None:
        while not ended.is_set():
            expressions._parsed.forget()
            expressions._printed.forget()

    with ThreadPoolExecutor(1) as other:
        forgetting = other.submit(forget)
        try:
            for _ in range(300):
                assert print_all(trees) == known
                assert list(parse_all(TEXTS[:4])) == list(TEXTS[:4])
        finally:
            ended.set()
        forgetting.result()


def test_calls_of_an_expression_that_is_part_of_another_are_its_own() -> None:
    (outer,) = parse("clean(lower(p.a))").calls()[:1]
    inner = Expression(text="lower(p.a)", tree=outer.arguments[0])
    assert [call.offset for call in inner.calls()] == [6]
    assert [call.offset for call in parse("lower(p.a)").calls()] == [0]
