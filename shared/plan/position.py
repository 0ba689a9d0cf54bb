"""Where something stands in a plan, and the errors that point there."""

from __future__ import annotations

import msgspec

from shared.core.errors import Refused


class Position(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """File (relative to the plan's folder), line and column, both from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with a plan: where, what was expected, the nearest known name if one is near."""

    position: Position
    message: str
    source_line: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        text = f"{self.position}: {self.message}"
        return f"{text} (did you mean {self.suggestion!r}?)" if self.suggestion else text


class PlanRefused(Refused):
    """A plan with problems, all of them at once."""

    code = "plan_refused"
    remedy = "Correct the plan at the positions named; `transfuse plan check` needs no database."

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.position))
        super().__init__("\n".join(str(problem) for problem in self.problems))
