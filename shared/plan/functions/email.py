"""email(text): an address of the usual form, in small letters."""

from __future__ import annotations

import re

from shared.plan.functions.function import Example, Function, Native, by_value

ATOM = r"[^\s@<>()\[\],;:\\\"\x00-\x20.]+"
LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
ADDRESS = re.compile(rf"{ATOM}(?:\.{ATOM})*@(?:{LABEL}\.)+(?!\d+$){LABEL}")
MOST_CHARACTERS, MOST_LOCAL = 254, 64
USUAL = r"[a-zA-Z0-9_+-]+(\.[a-zA-Z0-9_+-]+)*@([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?\.)+[a-zA-Z]{2,}"
"""What nearly every address looks like: decided much quicker than in the alphabets of the world."""


def address(text: str) -> str | None:
    """The address, trimmed and in small letters; None for anything else."""
    trimmed = text.strip()
    local = trimmed.partition("@")[0]
    if len(trimmed) > MOST_CHARACTERS or len(local) > MOST_LOCAL or not ADDRESS.fullmatch(trimmed):
        return None
    return trimmed.lower()


EMAIL = Function(
    name="email",
    signature="email(text)",
    summary="An address with one @, a dotted domain and no blanks, trimmed and in small letters.",
    minimum=1,
    maximum=1,
    reason="bad_email",
    blank_is_missing=True,
    macro=(
        f"""create or replace macro email(value) as
        case when length(value) <= 64 and regexp_full_match(value, '{USUAL}') then lower(value)
             else unusual_email(value) end""",
    ),
    natives=(Native(name="unusual_email", arguments=("VARCHAR",), result="VARCHAR", function=by_value(address)),),
    examples=(
        Example(call="email(' Ann.Lee+x@Example.com ')", result="ann.lee+x@example.com"),
        Example(call="email('jörg@müller.de')", result="jörg@müller.de"),
        Example(call="email('no-at-sign.example.com')", fails=True),
        Example(call="email('two@@example.com')", fails=True),
        Example(call="email('blank in@example.com')", fails=True),
        Example(call="email('missing@tld')", fails=True),
        Example(call="email('@example.com')", fails=True),
        Example(call="email('trailing@example.')", fails=True),
        Example(call="email('a@b@example.com')", fails=True),
        Example(call="email('a..b@example.com')", fails=True),
        Example(call="email('')"),
        Example(call="email(NULL)"),
    ),
)
