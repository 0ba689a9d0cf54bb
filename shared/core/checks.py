"""What a preflight looked at and found."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class CheckState(StrEnum):
    """How a check ended. A warning does not stop a run."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a run needs: `name` in snake_case, `message` what was found, `fix` what to do about it.

    `seconds` is how long it took where that is worth knowing.
    """

    name: str
    state: CheckState
    message: str
    fix: str = ""
    seconds: float | None = None


def passed(name: str, message: str) -> Check:
    """A check that found what it wanted."""
    return Check(name=name, state=CheckState.PASSED, message=message)


def warning(name: str, message: str, fix: str) -> Check:
    """A check that found something to look at."""
    return Check(name=name, state=CheckState.WARNING, message=message, fix=fix)


def failed(name: str, message: str, fix: str) -> Check:
    """A check that found what no run can do with."""
    return Check(name=name, state=CheckState.FAILED, message=message, fix=fix)


def failures(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Those that stop a run."""
    return tuple(check for check in checks if check.state is CheckState.FAILED)
