"""email(text): an address of the usual form, in small letters."""

from __future__ import annotations

from shared.plan.functions.function import Example, Function

LOCAL = r"[^\s@<>()\[\],;:\\\"\x{0}-\x{20}.]+(\.[^\s@<>()\[\],;:\\\"\x{0}-\x{20}.]+)*"
DOMAIN = r"([\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}][\p{L}\p{N}-]*[\p{L}\p{N}]"

EMAIL = Function(
    name="email",
    signature="email(text)",
    summary="An address with one @, a dotted domain and no blanks, trimmed and in small letters.",
    minimum=1,
    maximum=1,
    reason="bad_email",
    blank_is_missing=True,
    macro=(
        f"""create or replace macro email_of(value) as
        case when length(value) <= 254 and position('@' in value) <= 65 and regexp_full_match(value, '{LOCAL}@{DOMAIN}')
             then lower(value) end""",
        "create or replace macro email(value) as email_of(trim(cast(value as varchar), ' ' || chr(9) || chr(10) || chr(13)))",
    ),
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
