"""What can go wrong with one column, rule or `keep`: flags over hidden columns, true where a row has that failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

WARNING = "warn:"
"""Prefix of a reason that only warns."""
NOTE = "note:"
"""Prefix of what is counted and neither refuses nor warns."""


class Failures:
    """Collects (reason, SQL) while an expression is rewritten.

    `guards` are the conditions under which the part being rewritten is evaluated at all: a failure in a branch that is
    not taken is none. `muted` while the author handles failures with TRY.
    """

    def __init__(self) -> None:
        self.flags: list[tuple[str, str]] = []
        self.used: list[str] = []
        self._guards: list[tuple[str, int]] = []
        self._muted = 0

    def add(self, reason: str, sql: str) -> None:
        """A failure, true where `sql` is, in the branch that is being rewritten."""
        if self._muted:
            return
        flag = " AND ".join([*(guard for guard, _ in self._guards), f"({sql})"])
        if (reason, flag) not in self.flags:
            self.flags.append((reason, flag))

    def use(self, source_column: str) -> None:
        """Note a source column that the expression reads."""
        if source_column not in self.used:
            self.used.append(source_column)

    @property
    def guard(self) -> tuple[str, int]:
        """The condition of the branch being rewritten, empty outside any, and the highest layer it reads."""
        return " AND ".join(guard for guard, _ in self._guards), max((layer for _, layer in self._guards), default=0)

    @contextmanager
    def within(self, *guards: tuple[str, int]) -> Iterator[None]:
        """A branch: each guard is SQL and the highest layer it reads."""
        self._guards += guards
        try:
            yield
        finally:
            del self._guards[len(self._guards) - len(guards) :]

    @contextmanager
    def muted(self) -> Iterator[None]:
        """What the author's own TRY handles."""
        self._muted += 1
        try:
            yield
        finally:
            self._muted -= 1


def any_of(flags: list[str]) -> str:
    """SQL that is true where any flag is, false otherwise, never NULL."""
    if not flags:
        return "false"
    return f"coalesce({either(flags)}, false)"


def either(flags: list[str]) -> str:
    """SQL that is true where any flag is; false or NULL otherwise."""
    return " OR ".join(f"({flag})" for flag in flags)
