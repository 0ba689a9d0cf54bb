"""date_of(text, format…), timestamp_of(text, format…): the first format that fits, no guessing of day and month."""

from __future__ import annotations

from shared.plan.functions.function import Example, Function

DATE_OF = Function(
    name="date_of",
    signature="date_of(text, format, ...)",
    summary="A date by the first format that fits (strptime's); without a format, ISO.",
    minimum=1,
    maximum=None,
    reason="bad_date",
    blank_is_missing=True,
    examples=(
        Example(call="date_of('1980-02-29', '%Y-%m-%d', '%m/%d/%Y')", result="1980-02-29"),
        Example(call="date_of('02/29/1980', '%Y-%m-%d', '%m/%d/%Y')", result="1980-02-29"),
        Example(call="date_of('1980-02-30', '%Y-%m-%d')", fails=True),
        Example(call="date_of('29/02/1980', '%m/%d/%Y')", fails=True),
        Example(call="date_of('1980-02-29 and more', '%Y-%m-%d')", fails=True),
        Example(call="date_of('', '%Y-%m-%d')"),
        Example(call="date_of(NULL, '%Y-%m-%d')"),
        Example(call="date_of('2001-02-03')", result="2001-02-03"),
    ),
)

TIMESTAMP_OF = Function(
    name="timestamp_of",
    signature="timestamp_of(text, format, ...)",
    summary="A timestamp by the first format that fits (strptime's); without a format, ISO.",
    minimum=1,
    maximum=None,
    reason="bad_date",
    blank_is_missing=True,
    examples=(
        Example(call="timestamp_of('1980-02-29 13:45', '%Y-%m-%d %H:%M')", result="1980-02-29 13:45:00"),
        Example(call="timestamp_of('29.02.1980', '%Y-%m-%d', '%d.%m.%Y')", result="1980-02-29 00:00:00"),
        Example(call="timestamp_of('soon', '%Y-%m-%d')", fails=True),
        Example(call="timestamp_of(' ', '%Y-%m-%d')"),
    ),
)
