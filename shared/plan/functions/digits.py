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
        "create or replace macro digits_only(value) as regexp_replace(value, '[^0-9]+', '', 'g')",
        "create or replace macro not_empty(value) as case when value = '' then null else value end",
        "create or replace macro digits(value) as not_empty(digits_only(value))",
    ),
    steps=("digits_only", "not_empty"),
    examples=(
        Example(call="digits('A-12/3')", result="123"),
        Example(call="digits(42)", result="42"),
        Example(call="digits('none')"),
        Example(call="digits(NULL)"),
    ),
)
