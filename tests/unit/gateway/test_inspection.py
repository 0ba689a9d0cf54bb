"""Plans that come over the API."""

from __future__ import annotations

import asyncio
import threading

import pytest

from services.gateway import inspection
from services.gateway.api.problems import ApiError
from services.gateway.inspection import (
    LONGEST_TEXT,
    MOST_CHARACTERS,
    MOST_TEXTS,
    Inspection,
    Inspections,
    in_order,
    inspect,
)
from shared.plan.reader import plan_files
from shared.plan.report import MOST_PROBLEMS
from tests.harness.portal import PLAN
from tests.planning import CLINIC

HEAD = "transfuse: 1\nname: x\nnamespace: 8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10\n"
DEEP = 100_000


def one_mapping(*, from_: str = "t AS t", key: str = "t.id", column: str = "t.a") -> str:
    return (
        f'{HEAD}mappings:\n  - name: a\n    into: a\n    from: "{from_}"\n    key: "{key}"\n'
        f'    columns:\n      id: key()\n      b: "{column}"\n'
    )


BOMBS = {
    "lists in lists": "[" * DEEP,
    "mappings in mappings": "{" * DEEP,
    "keys of keys": "? " * DEEP,
    "aliases of aliases": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "a line without an end": f'{HEAD}keys: "{"x" * DEEP}',
    "parentheses in an expression": one_mapping(column=f"{'(' * 4000}1{')' * 4000}"),
    "parentheses never closed": one_mapping(column="(" * 7999),
    "CASE never ended": one_mapping(column="case when " * 799),
    "signs in a row": one_mapping(column="- " * 3999 + "1"),
    "NOT in a row": one_mapping(column="not " * 1999 + "true"),
    "parentheses never closed in a FROM": one_mapping(from_="(" * 7999),
    "a long expression": one_mapping(column="+".join(["t.a"] * DEEP)),
    "a sum of thousands": one_mapping(column="+".join(["t.a"] * 4000)),
    "CASE in CASE": one_mapping(column="case when t.a then " * 500 + "1" + " end" * 500),
    "parentheses in a FROM": one_mapping(from_=f"{'(' * 4000}t{')' * 4000}"),
    "queries in queries": one_mapping(from_="(select 1 from " * 300 + "t" + ")" * 300),
    "a long FROM": one_mapping(from_="t join u on " + " and ".join(["t.a = u.a"] * 10_000)),
    "keys without end": "\n".join(f"k{number}: v" for number in range(90_000)),
    "items without end": f"{HEAD}mappings: [{'a,' * 400_000}a]",
    "mappings without end": f"{HEAD}mappings:\n" + "  - {name: a, into: a, from: t AS t, key: t.id}\n" * 9_000,
    "repeats without end": "k: v\n" * 20_000,
    "parentheses in a key": one_mapping(key=f"{'(' * 3000}t.id{')' * 3000}"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", BOMBS)
def test_a_plan_made_to_exhaust_us_is_refused_with_its_place_and_soon(name: str) -> None:
    found = inspect({"plan.yml": BOMBS[name]})
    assert found.plan is None
    assert found.errors
    assert all(error.position.file == "plan.yml" and error.position.line > 0 for error in found.errors)
    assert len(found.errors) <= MOST_PROBLEMS


def test_more_expressions_than_can_be_read_in_time_are_refused() -> None:
    columns = "".join(f"      c{number}: t.a\n" for number in range(MOST_TEXTS))
    found = inspect({"plan.yml": one_mapping() + columns})
    assert [error.message for error in found.errors] == [f"more than {MOST_TEXTS} expressions"]


def test_long_expressions_are_refused_where_together_they_are_too_long() -> None:
    many = MOST_CHARACTERS // LONGEST_TEXT + 1
    columns = "".join(f"      c{number}: \"'{'x' * (LONGEST_TEXT - 2)}'\"\n" for number in range(many))
    found = inspect({"plan.yml": one_mapping() + columns})
    assert [error.message for error in found.errors] == [
        f"the expressions and FROM clauses have more than {MOST_CHARACTERS} characters together"
    ]


@pytest.mark.timeout(60)
def test_a_text_of_the_greatest_length_is_read_in_time() -> None:
    clause = "t join u on " + " and ".join(["t.a=u.a"] * ((LONGEST_TEXT - 20) // 12))
    assert inspect({"plan.yml": one_mapping(from_=clause)}).plan is not None


def test_the_sample_plan_is_sound_and_has_the_hash_that_the_command_line_gives_it() -> None:
    files = plan_files(PLAN)
    found = inspect(dict(reversed(files.items())))
    assert found.plan is not None
    assert found.plan.files == files
    assert {line.mapping for line in found.lineage} == {mapping.name for mapping in found.plan.mappings}


def test_line_ends_and_byte_order_mark_make_no_other_plan() -> None:
    written = "\N{ZERO WIDTH NO-BREAK SPACE}" + CLINIC.replace("\n", "\r\n")
    plain, other = inspect({"clinic.yml": CLINIC}).plan, inspect({"clinic.yml": written}).plan
    assert plain is not None
    assert other is not None
    assert plain.hash == other.hash


@pytest.mark.parametrize(
    ("files", "place"),
    (
        ({"notes.txt": "x"}, "plan.yml:1:1"),
        ({"plan.yml": CLINIC, "notes.txt": "x"}, "notes.txt:1:1"),
        ({"plan.yml": CLINIC, "other.yml": CLINIC}, "other.yml:1:1"),
        ({"plan.yml": CLINIC + "\x00"}, "plan.yml:1:1"),
        ({"plan.yml": CLINIC, "a\x00b.csv": ""}, "ab.csv:1:1"),
    ),
)
def test_files_that_make_no_plan_are_refused(files: dict[str, str], place: str) -> None:
    assert [str(error.position) for error in inspect(files).errors] == [place]


async def test_no_more_plans_are_inspected_at_once_than_allowed_and_no_more_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = 0
    working = 0
    started, lock, release = threading.Semaphore(0), threading.Lock(), threading.Event()

    def slow(_files: object) -> Inspection:
        nonlocal most, working
        with lock:
            working += 1
            most = max(most, working)
        started.release()
        release.wait(10)
        with lock:
            working -= 1
        return Inspection()

    monkeypatch.setattr(inspection, "inspect", slow)
    inspections = Inspections(at_once=2, waiting=1)
    tasks = [asyncio.ensure_future(inspections.inspect({"plan.yml": str(number)})) for number in range(3)]
    for _ in range(2):
        await asyncio.to_thread(started.acquire)
    with pytest.raises(ApiError) as refused:
        await inspections.inspect({"plan.yml": "one too many"})
    assert (refused.value.status, refused.value.code) == (503, "busy")
    release.set()
    await asyncio.gather(*tasks)
    assert most == 2
    assert await inspections.inspect({"plan.yml": "0"}) is await tasks[0]


async def test_who_gives_up_waiting_leaves_no_place_while_the_thread_still_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started, release = threading.Semaphore(0), threading.Event()

    def slow(_files: object) -> Inspection:
        started.release()
        release.wait(10)
        return Inspection()

    monkeypatch.setattr(inspection, "inspect", slow)
    inspections = Inspections(at_once=1, waiting=0)
    given_up = asyncio.ensure_future(inspections.inspect({"plan.yml": "0"}))
    await asyncio.to_thread(started.acquire)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    with pytest.raises(ApiError) as refused:
        await inspections.inspect({"plan.yml": "1"})
    assert refused.value.code == "busy"
    release.set()


def test_the_plan_itself_comes_first() -> None:
    assert list(in_order({"b.csv": "", "plan.yml": "", "a.csv": ""})) == ["plan.yml", "b.csv", "a.csv"]
