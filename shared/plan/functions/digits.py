"""digits(text): the digits of a text, in order."""

from __future__ import annotations

from shared.plan.functions.function import Example, Function

DIGITS = Function(
    name="digits",
    signature="digits(text)",
    summary="The digits 0 to 9 of a text, in order; NULL where it has none.",
    minimum=1,
    maximum=1,
    macro=(
        "create or replace macro digits(value) as nullif(regexp_replace(cast(value as varchar), '[^0-9]', '', 'g'), '')",
    ),
    examples=(
        Example(call="digits('A-12/3')", result="123"),
        Example(call="digits(42)", result="42"),
        Example(call="digits('none')"),
        Example(call="digits(NULL)"),
    ),
)
