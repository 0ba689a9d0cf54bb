"""How a command's failure is told: our own words and remedy, the place in a plan, never a driver's text."""

from __future__ import annotations

from collections.abc import Iterator
from traceback import format_exception

from shared.core.errors import TransfuseError
from shared.plan.position import PlanRefused, Problem
from shared.telemetry.failure import class_of, sqlstate_of

DEBUG = "TRANSFUSE_DEBUG"
"""`1` prints tracebacks, which may hold values of rows."""

LONGEST_SOURCE_LINE = 160


def failure_text(error: BaseException, *, debug: bool = False) -> str:
    """What the operator reads of an error, or of every error of a group; with `debug` its traceback first."""
    told = "\n".join(dict.fromkeys(_one(leaf, debug=debug) for leaf in _leaves(error)))
    return "".join(format_exception(error)) + told if debug else told


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group: ours if there are any, for the others followed from them."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    ours = error.subgroup(TransfuseError)
    for member in (ours or error).exceptions:
        yield from _leaves(member)


def _one(error: BaseException, *, debug: bool) -> str:
    if isinstance(error, PlanRefused):
        return "\n".join((*(_problem(problem) for problem in error.problems), _remedy(error.remedy)))
    if isinstance(error, TransfuseError):
        return f"transfuse: {error}\n{_remedy(error.remedy)}"
    sqlstate = sqlstate_of(error)
    what = f"{class_of(error)}, SQLSTATE {sqlstate}" if sqlstate else class_of(error)
    remedy = "Please report it with the traceback above, without values of rows."
    if not debug:
        remedy = f"Run it again with {DEBUG}=1 to see where; what is printed then may hold values of rows."
    return f"transfuse: something unexpected happened ({what})\n{_remedy(remedy)}"


def _problem(problem: Problem) -> str:
    """The problem, the line of the file and a caret under its column."""
    line = problem.source_line
    if not line.strip() or len(line) > LONGEST_SOURCE_LINE:
        return str(problem)
    before = "".join("\t" if character == "\t" else " " for character in line[: problem.position.column - 1])
    return f"{problem}\n    {line}\n    {before}^"


def _remedy(remedy: str) -> str:
    return f"  -> {remedy}"
