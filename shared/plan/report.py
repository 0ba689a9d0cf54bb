"""Collects everything wrong with a plan, each with its place, its line of the file and the nearest known name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from shared.plan.model import Text
from shared.plan.position import PlanRefused, Position, Problem

MOST_PROBLEMS = 500
"""Of one plan; whoever has mended these finds the others."""
MOST_LISTED = 6
"""Where so few names are known and none is near, all are told."""


class Report:
    """Problems and warnings of one plan, whose files by name it knows; the first 500 of each."""

    def __init__(self, files: dict[str, str]) -> None:
        self.lines = {name: text.splitlines() for name, text in files.items()}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def problem(self, position: Position, message: str, *, wrong: str = "", known: Iterable[str] = ()) -> None:
        """Note a problem. `wrong` is the name that is not among the `known` ones."""
        if len(self.problems) >= MOST_PROBLEMS:
            return
        names = list(dict.fromkeys(known))
        near = nearest(wrong, names)
        if wrong and not near and 0 < len(names) <= MOST_LISTED and not all(name in message for name in names):
            message = f"{message} (known: {', '.join(sorted(map(str, names)))})"
        found = self.located(position, message, near)
        if found not in self.problems:
            self.problems.append(found)

    def problem_in(self, text: Text, offset: int, message: str, *, wrong: str = "", known: Iterable[str] = ()) -> None:
        """Note a problem at a character of a text."""
        self.problem(self.place(text, offset), message, wrong=wrong, known=known)

    def warning(self, position: Position, message: str) -> None:
        """Note something that the author may not have meant, but that does no harm."""
        if len(self.warnings) < MOST_PROBLEMS:
            self.warnings.append(self.located(position, message, ""))

    def later(self, position: Position, what: str) -> None:
        """Note a part of the language that this version does not do."""
        self.problem(position, f"{what} is not part of this version")

    def refuse(self) -> None:
        """Raise PlanRefused with everything noted, if anything was."""
        if self.problems:
            raise PlanRefused(self.problems)

    def located(self, position: Position, message: str, suggestion: str) -> Problem:
        """A problem with its line of the file."""
        lines = self.lines.get(position.file, [])
        line = lines[position.line - 1] if 0 < position.line <= len(lines) else ""
        return Problem(position=position, message=message, source_line=line, suggestion=suggestion)

    def place_of_entry(self, start: Position, key: str, name: str) -> Position:
        """Where an entry of a mapping below `key` begins, behind a place of its file; that place if it is not found."""
        lines = self.lines.get(start.file, []) if len(self.problems) < MOST_PROBLEMS else []
        wanted = re.compile(rf"""^\s*{re.escape(key)}\s*:""")
        entry = re.compile(rf"""(?<![\w.])["']?{re.escape(name)}["']?\s*:""")
        first = next(
            (number for number in range(start.line - 1, len(lines)) if wanted.match(lines[number])), len(lines)
        )
        for number in range(first, len(lines)):
            found = entry.search(lines[number])
            if found:
                return Position(file=start.file, line=number + 1, column=found.start() + 1)
        return start

    def place(self, text: Text, offset: int) -> Position:
        """Where a character of a text stands in its file: escapes, folded lines and indentation undone."""
        lines = self.lines.get(text.position.file, [])
        line, column = text.position.line - 1, text.position.column - 1
        for character in text.value[:offset]:
            line, column = following(lines, line, column, character, text.position.column - 1)
        line, column = landing(lines, line, column, text.value[offset : offset + 1])
        return Position(file=text.position.file, line=line + 1, column=column + 1)


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The known name most like a wrong one, empty if none is near."""
    by_lower = {name.lower(): str(name) for name in known}
    matches = get_close_matches(wrong.lower(), list(by_lower), n=1, cutoff=0.6) if wrong else []
    return by_lower[matches[0]] if matches else ""


def following(lines: list[str], line: int, column: int, character: str, indent: int) -> tuple[int, int]:
    """The place after one character of a value, which stands at a place of the file or behind what was folded."""
    line, column = landing(lines, line, column, character)
    if line >= len(lines) or column >= len(lines[line]):
        return line + 1, min(indent, len(lines[line + 1])) if line + 1 < len(lines) else 0
    here = lines[line]
    if here[column] == character:
        return line, column + 1
    if character != "\n" and here[column : column + 2] in {"''", "\\" + character, "\\n", "\\t"}:
        return line, column + 2
    return line, column + 1


def landing(lines: list[str], line: int, column: int, character: str) -> tuple[int, int]:
    """Where a character that is no white space is found next: behind line ends and indentation that YAML took away."""
    if not character or character.isspace():
        return line, column
    while line < len(lines):
        rest = lines[line][column:]
        spaces = len(rest) - len(rest.lstrip())
        if rest.strip():
            return line, column + spaces
        line, column = line + 1, 0
    return line, column
