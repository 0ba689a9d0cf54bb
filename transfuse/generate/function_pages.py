"""The page of the plan language's own functions: what each does, when it fails, and examples that are tests."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import shared.plan.functions
from shared.plan.functions import FUNCTIONS, Example, Function

HEAD = """\
# Functions of the plan language

Written by `make generate` from `shared/plan/functions`; every example is a test. Beside these an expression may call
every scalar function of DuckDB whose result depends on its arguments alone; `transfuse plan check` names the nearest
known one.

A value that does not fit gives its row a reason, and the column's `bad_value` decides: `quarantine`, `keep_aside` or
`null_it`. NULL stays NULL and is no failure.
"""


def files() -> dict[Path, str]:
    """The one file."""
    return {Path("docs/functions.md"): page()}


def page() -> str:
    """Every function by name."""
    lines = ["| function | gives |", "|---|---|"]
    lines += [f"| [`{one.signature}`](#{one.name}) | {one.summary} |" for _, one in sorted(FUNCTIONS.items())]
    sections = [section(one, words) for one, words in sorted(told().items(), key=lambda pair: pair[0])]
    return "\n".join([HEAD, *lines, "", *sections])


def told() -> dict[str, str]:
    """What the module of each function says of it, its first line left out, by the function's name."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(shared.plan.functions.__path__):
        loaded = importlib.import_module(f"{shared.plan.functions.__name__}.{module.name}")
        for value in vars(loaded).values():
            if isinstance(value, Function):
                found[value.name] = inspect.getdoc(loaded) or ""
    return found


def section(name: str, words: str) -> str:
    """One function."""
    function = FUNCTIONS[name]
    first, _, rest = words.partition("\n")
    said = first.split(": ", 1)[-1].capitalize() if first.startswith(f"{name}(") else ""
    return "\n".join(
        [
            f"## {name}",
            "",
            f"`{function.signature}`: {function.summary}",
            "",
            *([said, ""] if said and not rest.strip() else []),
            *([rest.strip(), ""] if rest.strip() else []),
            *([f"A value that does not fit has the reason `{function.reason}`.", ""] if function.reason else []),
            *examples(function.examples),
        ]
    )


def examples(found: tuple[Example, ...]) -> Iterator[str]:
    """Calls and what they give."""
    if found:
        yield from ("| call | gives |", "|---|---|")
        yield from (f"| `` {cell(one.call)} `` | {result(one)} |" for one in found)
        yield ""


def result(example: Example) -> str:
    """What a call gives."""
    if example.fails:
        return "does not fit"
    return "NULL" if example.result is None else f"`` {cell(example.result)} ``"


def cell(text: str) -> str:
    """A text in a cell of a table, without what would end the cell or cannot be seen."""
    shown = "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
    return shown.replace("|", "\\|")
