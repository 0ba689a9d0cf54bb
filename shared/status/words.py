"""Figures as sentences have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from shared.core.passes import COMPARISON, FIRST, REMOVAL, SECOND_COMPARISON
from shared.core.states import Brought

BROUGHT_WORDS: Mapping[Brought, str] = MappingProxyType(
    {
        Brought.INVENTED: "invented by the plan",
        Brought.OTHERWISE: "unknown code, the code book's value for others",
        Brought.DEFAULT: "default of the target, nothing fills the column",
        Brought.PLACEHOLDER: "the placeholder of a missing parent",
    }
)
"""Where values come from that are not in the source."""
_MINUTE = 60
_HOUR = 3600


PASS_WORDS: Mapping[int, str] = MappingProxyType(
    {REMOVAL: "removal", COMPARISON: "verification", SECOND_COMPARISON: "verification of pass 2"}
)
"""What passes are called that are more than a number."""


def of_pass(mapping: str, number: int) -> str:
    """A mapping, or a further pass of one."""
    return mapping if number == FIRST else f"{mapping}, {PASS_WORDS.get(number, f'pass {number}')}"


def rows(count: int) -> str:
    """`1 row`, `1,902 rows`."""
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def duration(seconds: float) -> str:
    """`41 s`, `4 min`, `2 h 12 min`."""
    whole = int(max(seconds, 0))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    hours, minutes = whole // _HOUR, whole % _HOUR // _MINUTE
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def sentence(text: str) -> str:
    """The text as a sentence: a capital first, a full stop last; nothing stays nothing."""
    found = text.strip()
    if not found:
        return ""
    return found[0].upper() + found[1:] + ("" if found[-1] in ".!?" else ".")
