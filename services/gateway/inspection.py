"""Plans that come over the API: read and checked as the command line does, without a database, within limits."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus

import msgspec

from services.gateway.api.problems import ApiError
from shared.plan.checks import check_plan
from shared.plan.include import main_file
from shared.plan.lineage import Lineage, lineage
from shared.plan.model import Mapping as PlanMapping
from shared.plan.model import Plan, Text
from shared.plan.position import PlanRefused, Position, Problem
from shared.plan.reader import canonical_text, named_files, plan_hash, plan_of_files

AT_ONCE = 2
WAITING = 16
KEPT = 64
LONGEST_TEXT = 8_000
"""Characters of one `from`, key or expression: what reads them takes longer than their length."""
MOST_TEXTS = 5_000
"""Texts of SQL in one plan, some milliseconds each."""
MOST_CHARACTERS = 200_000
"""Characters of all texts of SQL in one plan together. Their trees take up to 2 kB of memory for each."""
DEEPEST = 200
"""Brackets and CASEs open at once in one text: what is never closed takes a parser time by the square of its depth."""
OPENING, CLOSING = frozenset({"(", "[", "{", "case"}), frozenset({")", "]", "}", "end"})
OPENING_OR_CLOSING = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[(\[{]|[)\]}]|\bcase\b|\bend\b""", re.IGNORECASE)
SIGNS = re.compile(rf"(?:[-+~!@]\s*){{{DEEPEST}}}|(?:\bnot\s+){{{DEEPEST}}}", re.IGNORECASE)
NUL = "\x00"


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of a plan's files. Without errors there are the plan and its lineage."""

    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    plan: Plan | None = None
    lineage: tuple[Lineage, ...] = ()


def inspect(files: Mapping[str, str]) -> Inspection:
    """Read and check a plan. Nothing but the texts is looked at; CPU work."""
    ordered = in_order(files)
    try:
        check_names(ordered)
        plan = plan_of_files(ordered)
        check_lengths(plan)
        warnings = check_plan(plan)
    except PlanRefused as error:
        return Inspection(errors=error.problems)
    return Inspection(warnings=warnings, plan=plan, lineage=lineage(plan))


def in_order(files: Mapping[str, str]) -> dict[str, str]:
    """The files in canonical form, the plan itself first."""
    main = main_file(dict(files))
    names = [main, *(name for name in files if name != main)]
    return {name: canonical_text(files[name]) for name in names if name in files}


def check_names(files: Mapping[str, str]) -> None:
    """There is a plan, every other file is one that it names, and all are texts. Raises PlanRefused."""
    main = main_file(dict(files))
    if main not in files:
        raise PlanRefused([problem(main, "no file of this plan is a plan: it ends in .yml or .yaml")])
    binary = [name for name, text in files.items() if NUL in text or NUL in name]
    if binary:
        raise PlanRefused([problem(name.replace(NUL, ""), "not a text: it holds a character 0") for name in binary])
    named = named_files(dict(files))
    if strange := [name for name in files if name not in named]:
        raise PlanRefused([problem(name, "the plan names no such file: leave it out") for name in strange])


def check_lengths(plan: Plan) -> None:
    """There are no more texts, and no longer ones, than can be read in time. Raises PlanRefused."""
    lengths = [len(text.value) for mapping in plan.mappings for text in texts_of(mapping)]
    if len(lengths) > MOST_TEXTS:
        raise PlanRefused([problem(main_file(plan.files), f"more than {MOST_TEXTS} expressions")])
    if sum(lengths) > MOST_CHARACTERS:
        message = f"the expressions and FROM clauses have more than {MOST_CHARACTERS} characters together"
        raise PlanRefused([problem(main_file(plan.files), message)])
    texts = [text for mapping in plan.mappings for text in texts_of(mapping)]
    found = [
        Problem(position=text.position, message=f"longer than {LONGEST_TEXT} characters")
        for text in texts
        if len(text.value) > LONGEST_TEXT
    ]
    found += [
        Problem(position=text.position, message=f"more than {DEEPEST} brackets open at once, or signs in a row")
        for text in texts
        if len(text.value) <= LONGEST_TEXT and (depth_of(text.value) > DEEPEST or SIGNS.search(text.value))
    ]
    if found:
        raise PlanRefused(found)


def depth_of(text: str) -> int:
    """The most brackets and CASEs that are open at one place of a text."""
    depth = deepest = 0
    for found in OPENING_OR_CLOSING.finditer(text):
        word = found[0].lower()
        depth += 1 if word in OPENING else -1 if word in CLOSING and depth else 0
        deepest = max(deepest, depth)
    return deepest


def texts_of(mapping: PlanMapping) -> Iterator[Text]:
    """Everything of a mapping that is parsed as SQL."""
    yield from (mapping.from_, *mapping.key)
    yield from mapping.expressions


def problem(file: str, message: str) -> Problem:
    """A problem with a file as a whole."""
    return Problem(position=Position(file=file, line=1, column=1), message=message)


class Inspections:
    """Inspects in threads of its own, a few at a time; what was found of a text is kept, for it is the same for ever.

    A thread cannot be stopped: whoever gives up waiting leaves his place to nobody before it is done.
    """

    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="inspection")
        self._room = at_once + waiting
        self._asked: set[Future[Inspection]] = set()
        self._known: OrderedDict[str, Inspection] = OrderedDict()

    async def inspect(self, files: Mapping[str, str]) -> Inspection:
        """What `inspect` says. Raises ApiError 503 `busy` where too many wait already."""
        digest = plan_hash(dict(files))
        known = self._known.get(digest)
        if known is not None:
            self._known.move_to_end(digest)
            return known
        self._asked = {asked for asked in self._asked if not asked.done()}
        if len(self._asked) >= self._room:
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many plans are being checked.",
                code="busy",
                remedy="Try again in some seconds.",
                headers={"Retry-After": "5"},
            )
        asked = self._threads.submit(inspect, files)
        self._asked.add(asked)
        found = await asyncio.wrap_future(asked)
        self._known[digest] = found
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return found
