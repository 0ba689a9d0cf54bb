"""unit(value, low, high): a value that must lie in a range, both ends included; never clamped."""

from __future__ import annotations

from shared.plan.functions.function import Example, Function

UNIT = Function(
    name="unit",
    signature="unit(value, low, high)",
    summary="The value where it lies between low and high, both included; outside it does not fit.",
    minimum=3,
    maximum=3,
    reason="out_of_range",
    macro=("create or replace macro unit(value, low, high) as case when value between low and high then value end",),
    examples=(
        Example(call="unit(36.6, 30, 45)", result="36.6"),
        Example(call="unit(30, 30, 45)", result="30"),
        Example(call="unit(98.6, 30, 45)", fails=True),
        Example(call="unit(DATE 'infinity', DATE '1900-01-01', DATE '2100-01-01')", fails=True),
        Example(call="unit('NaN'::DOUBLE, 0, 1)", fails=True),
        Example(call="unit(NULL, 0, 1)"),
    ),
)
