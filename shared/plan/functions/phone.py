"""phone(text, region): a telephone number in E.164, of a length that its country has.

Whether an area code is in use changes with every release of the numbering plans; a replay years later must give the
same row.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import phonenumbers
import pyarrow as pa

from shared.plan.functions.function import Example, Function, Native, by_value

WRITTEN = re.compile("[\\d\\s()+./\\-\u2010-\u2015\u2212\xb7]+")
"""What a number may be written with: anything else (letters, an extension, remarks) would be lost."""

# One remembering converter per region; plans name a handful.
_BY_REGION: dict[str, Callable[[pa.ChunkedArray], pa.Array]] = {}


def e164(text: str, region: str) -> str | None:
    """The number in E.164, None if the text is not exactly one possible number."""
    if not WRITTEN.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_native(values: pa.ChunkedArray, regions: pa.ChunkedArray) -> pa.Array:
    """E.164 of each value; the region is one constant of the plan."""
    if len(values) == 0:
        return pa.nulls(0, pa.string())
    region = regions[0].as_py() or "ZZ"
    if region not in _BY_REGION:
        _BY_REGION[region] = by_value(lambda text: e164(text, region))
    return _BY_REGION[region](values)


PHONE = Function(
    name="phone",
    signature="phone(text, region)",
    summary="E.164 where the number is possible in its country; `region` is for texts without a country code.",
    minimum=2,
    maximum=2,
    reason="bad_phone",
    blank_is_missing=True,
    macro=("create or replace macro phone(value, region) as phone_native(cast(value as varchar), region)",),
    natives=(Native(name="phone_native", arguments=("VARCHAR", "VARCHAR"), result="VARCHAR", function=phone_native),),
    examples=(
        Example(call="phone('(415) 555-2671', 'US')", result="+14155552671"),
        Example(call="phone('+49 30 901820', 'US')", result="+4930901820"),
        Example(call="phone('415 555 2671 ext. 9', 'US')", fails=True),
        Example(call="phone('call the mother', 'US')", fails=True),
        Example(call="phone('555', 'US')", fails=True),
        Example(call="phone('12345678901234567890', 'US')", fails=True),
        Example(call="phone('', 'US')"),
        Example(call="phone(NULL, 'US')"),
    ),
)
