"""How an exception is told: its class, SQLSTATE, place and our remedy. A foreign text may hold a patient's row."""

from __future__ import annotations

import re
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING

from shared.core.errors import TransfuseError

if TYPE_CHECKING:
    from types import TracebackType

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_FRAMES = 6
_CAUSES = 8


def describe(error: BaseException) -> dict[str, object]:
    """What a log line says of it: `error`, `where`, if known `text`, `code`, `remedy`, `sqlstate`, `causes`, `members`.

    `text` is there only for our own errors, whose texts hold no values.
    """
    told: dict[str, object] = {"error": class_of(error)}
    if isinstance(error, TransfuseError):
        told |= {"text": str(error), "code": error.code, "remedy": error.remedy}
    causes = _causes(error)
    sqlstate = next((state for state in map(sqlstate_of, (error, *causes)) if state), None)
    if sqlstate:
        told["sqlstate"] = sqlstate
    if causes:
        told["causes"] = [class_of(cause) for cause in causes]
    if isinstance(error, BaseExceptionGroup):
        told["members"] = [describe(member) for member in error.exceptions[:_CAUSES]]
    if where := _where(error.__traceback__):
        told["where"] = where
    return told


def class_of(error: BaseException) -> str:
    """Module and name of the exception's class."""
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def sqlstate_of(error: BaseException) -> str | None:
    """The five characters that PostgreSQL gave, if any."""
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) and _SQLSTATE.fullmatch(state) else None


def _causes(error: BaseException) -> list[BaseException]:
    """What led to the error, nearest first."""
    causes: list[BaseException] = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while cause is not None and cause not in causes and len(causes) < _CAUSES:
        causes.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return causes


def _where(trace: TracebackType | None) -> list[str]:
    """The innermost frames as `file:line function`, without source or variables."""
    frames = [f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}" for frame, line in walk_tb(trace)]
    return frames[-_FRAMES:]
