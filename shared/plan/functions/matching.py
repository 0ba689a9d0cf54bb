"""matching(text, pattern): a text all of which fits a regular expression."""

from __future__ import annotations

from shared.plan.functions.function import Example, Function

MATCHING = Function(
    name="matching",
    signature="matching(text, pattern)",
    summary="The text where all of it fits the regular expression (RE2's); another text does not fit.",
    minimum=2,
    maximum=2,
    reason="bad_format",
    macro=(
        """create or replace macro matching(value, pattern) as
        case when regexp_full_match(value, pattern) then value end""",
    ),
    examples=(
        Example(call="matching('0101', '[01]{4}')", result="0101"),
        Example(call="matching('01012', '[01]{4}')", fails=True),
        Example(call="matching('x0101', '[01]{4}')", fails=True),
        Example(call="matching('', '[01]{4}')", fails=True),
        Example(call="matching(101, '[01]+')", result="101"),
        Example(call="matching(NULL, '[01]{4}')"),
    ),
)
