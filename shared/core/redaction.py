"""What may be shown of a value that may not be shown: its kind and its length."""

from __future__ import annotations

import msgspec


class Masked(msgspec.Struct, frozen=True, kw_only=True):
    """A value without its content: `length` in characters, or in items of a list or object.

    `kind` is one of null, empty, digits, letters, text, number, boolean, list, object.
    """

    kind: str
    length: int


def mask(value: object) -> Masked:
    """Kind and length of one value as JSON has it: a text, a number, a boolean, a list, an object or None."""
    match value:
        case None:
            return Masked(kind="null", length=0)
        case bool():
            return Masked(kind="boolean", length=1)
        case int() | float():
            return Masked(kind="number", length=len(str(value)))
        case str():
            return Masked(kind=_kind(value), length=len(value))
        case list() | dict():
            return Masked(kind="list" if isinstance(value, list) else "object", length=len(value))
        case _:
            return Masked(kind="text", length=len(str(value)))


def _kind(text: str) -> str:
    if not text:
        return "empty"
    if text.isdigit():
        return "digits"
    return "letters" if text.isalpha() else "text"
