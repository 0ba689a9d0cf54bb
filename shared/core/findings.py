"""What a verify finds, row by row, and what it comes to."""

from __future__ import annotations

from enum import StrEnum


class FindingKind(StrEnum):
    """How a row of the target is not what the plan makes of the source.

    `different` in some columns; `missing` though it is to be there; `unexpected` though the plan filters or refuses it;
    `extra`: no row of the source explains it.
    """

    DIFFERENT = "different"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    EXTRA = "extra"


REPAIRABLE = frozenset({FindingKind.DIFFERENT, FindingKind.MISSING})
"""Findings that a merge of their rows sets right."""


class VerifyOutcome(StrEnum):
    """What a verify came to. Only `equal` is a pass, of what was checked."""

    EQUAL = "equal"
    DIFFERENT = "different"
    COULD_NOT_VERIFY = "could_not_verify"
    NOT_CHECKED = "not_checked"
