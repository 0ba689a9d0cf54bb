"""unit(value, low, high): a value that must lie in a range, both ends included; never clamped.

Nothing is clamped. Where the value is a moment and both ends are dates, they are whole days in UTC.
"""

from __future__ import annotations

from shared.plan.functions.function import Example, Function

OF_DAYS = "unit_days"
"""What `unit` is called where the value is a moment and its ends are days."""

UNIT = Function(
    name="unit",
    signature="unit(value, low, high)",
    summary="The value where it lies between low and high, both included; a day is included as a whole, in UTC.",
    minimum=3,
    maximum=3,
    reason="out_of_range",
    macro=(
        "create or replace macro unit(value, low, high) as case when value between low and high then value end",
        (
            f"create or replace macro {OF_DAYS}(value, low, high) as"
            " case when value::date between low and high then value end"
        ),
    ),
    examples=(
        Example(call="unit(36.6, 30, 45)", result="36.6"),
        Example(call="unit(30, 30, 45)", result="30"),
        Example(call="unit(98.6, 30, 45)", fails=True),
        Example(call="unit(DATE 'infinity', DATE '1900-01-01', DATE '2100-01-01')", fails=True),
        Example(call="unit('NaN'::DOUBLE, 0, 1)", fails=True),
        Example(
            call="unit(TIMESTAMP '2025-12-31 23:59:59', DATE '1900-01-02', DATE '2025-12-31')",
            result="2025-12-31 23:59:59",
        ),
        Example(call="unit(TIMESTAMP '2026-01-01 00:00:00', DATE '1900-01-02', DATE '2025-12-31')", fails=True),
        Example(
            call="unit(TIMESTAMPTZ '2026-01-01 01:00+02', DATE '1900-01-02', DATE '2025-12-31')",
            result="2025-12-31 23:00:00+00",
        ),
        Example(call="unit(TIMESTAMPTZ 'infinity', DATE '1900-01-02', DATE '2025-12-31')", fails=True),
        Example(call="unit(NULL, 0, 1)"),
    ),
)
