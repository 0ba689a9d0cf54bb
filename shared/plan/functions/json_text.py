r"""json_or_raw(text) and json_strict(text): JSON exactly where jsonb accepts it.

jsonb refuses what some parsers let pass: `\u0000`, half a surrogate pair, NaN, trailing commas, and numbers beyond
131,072 digits before or 16,383 after the point. Nesting beyond 1,000 levels counts as not JSON.
"""

from __future__ import annotations

import json
import re

import msgspec
import pyarrow as pa

from shared.plan.functions.function import Example, Function, Native, each_value

DIGITS_BEFORE = 131_072
DIGITS_AFTER = 16_383
SUSPECT = re.compile(r"\\u0000|\d[eE][+-]?\d{4}")
"""Only a text with one of these, or a very long one, needs the exact look."""
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?', re.DOTALL)
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

QUICK = r"\\u|[nN][aA][nN]|[iI][nN][fF]|,\s*[}\]]|[eE][-+]?[0-9]{3}"
"""What DuckDB's parser lets pass and jsonb may not; a text without it is decided by that parser, much quicker."""

_decoder = msgspec.json.Decoder(msgspec.Raw)


def jsonb_accepts(text: str) -> bool:
    """Whether PostgreSQL's jsonb takes the text."""
    try:
        _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return False
    if len(text) <= DIGITS_AFTER and SUSPECT.search(text) is None:
        return True
    return all(_token_fits(token) for token in TOKEN.finditer(text))


def _token_fits(token: re.Match[str]) -> bool:
    if token[0].startswith('"'):
        return NUL.search(token[0]) is None
    whole, fraction, exponent = token[1], token[2] or "", token[3] or "0"
    if len(exponent) > 8:
        return False
    shift = int(exponent)
    before = len((whole + fraction).lstrip("0")) - len(fraction) + shift
    return before <= DIGITS_BEFORE and len(fraction) - shift <= DIGITS_AFTER


def json_or_raw(text: str) -> str:
    """The text itself where jsonb accepts it, else an object that holds it under `raw`."""
    return text if jsonb_accepts(text) else json.dumps({"raw": text}, ensure_ascii=False)


JSON_OR_RAW = Function(
    name="json_or_raw",
    signature="json_or_raw(text)",
    summary='The text where jsonb accepts it, else {"raw": text}.',
    minimum=1,
    maximum=1,
    macro=(
        f"""create or replace macro plainly_json(value) as
        length(value) <= {DIGITS_AFTER} and not regexp_matches(value, '{QUICK}') and json_valid(value)""",
        """create or replace macro json_or_raw(value) as
        case when plainly_json(value) then value else json_or_raw_native(value) end""",
    ),
    natives=(
        Native(
            name="json_or_raw_native",
            arguments=("VARCHAR",),
            result="VARCHAR",
            function=each_value(json_or_raw, pa.string()),
        ),
    ),
    examples=(
        Example(call="""json_or_raw('{"a": [1, 2]}')""", result='{"a": [1, 2]}'),
        Example(call="json_or_raw('{broken')", result='{"raw": "{broken"}'),
        Example(call=r"""json_or_raw('{"a": "\u0000"}')""", result=r'{"raw": "{\"a\": \"\\u0000\"}"}'),
        Example(call=r"""json_or_raw('"\ud800"')""", result=r'{"raw": "\"\\ud800\""}'),
        Example(call="json_or_raw('NaN')", result='{"raw": "NaN"}'),
        Example(call="json_or_raw('')", result='{"raw": ""}'),
        Example(call="json_or_raw(NULL)"),
    ),
)

JSON_STRICT = Function(
    name="json_strict",
    signature="json_strict(text)",
    summary="The text where jsonb accepts it; anything else does not fit.",
    minimum=1,
    maximum=1,
    reason="bad_json",
    macro=(
        """create or replace macro json_accepted(value) as
        case when plainly_json(value) then true else json_accepted_native(value) end""",
        "create or replace macro json_strict(value) as case when json_accepted(value) then value end",
    ),
    natives=(
        Native(
            name="json_accepted_native",
            arguments=("VARCHAR",),
            result="BOOLEAN",
            function=each_value(jsonb_accepts, pa.bool_()),
        ),
    ),
    examples=(
        Example(call="json_strict('[1]')", result="[1]"),
        Example(call="json_strict('[1')", fails=True),
        Example(call="json_strict('[1,]')", fails=True),
        Example(call=r"""json_strict('"\\u0000"')""", result=r'"\\u0000"'),
        Example(call="json_strict('1e200000')", fails=True),
        Example(call="json_strict(NULL)"),
    ),
)
