"""name_case(text): a name typed in capitals or small letters only, with capitals where names have them."""

from __future__ import annotations

import re

from shared.plan.functions.function import Example, Function, Native, by_value

FIRST_LETTER = re.compile(r"(?<![^\W_])[^\W\d_]")


def name_cased(name: str) -> str:
    """A name of mixed case as it is; otherwise a capital at each word's start, also after a hyphen or an apostrophe."""
    if name not in (name.upper(), name.lower()):
        return name
    return FIRST_LETTER.sub(lambda letter: letter[0].title(), name.lower())


NAME_CASE = Function(
    name="name_case",
    signature="name_case(text)",
    summary="A name in capitals or small letters only gets a capital at each word's start; mixed case stays as it is.",
    minimum=1,
    maximum=1,
    macro=("create or replace macro name_case(value) as name_case_native(cast(value as varchar))",),
    natives=(Native(name="name_case_native", arguments=("VARCHAR",), result="VARCHAR", function=by_value(name_cased)),),
    examples=(
        Example(call="name_case('ANNA')", result="Anna"),
        Example(call="name_case('o''neil')", result="O'Neil"),
        Example(call="name_case('SMITH-JONES')", result="Smith-Jones"),
        Example(call="name_case('McDonald')", result="McDonald"),
        Example(call="name_case('van der berg')", result="Van Der Berg"),
        Example(call="name_case('ÖZGÜR')", result="Özgür"),
        Example(call="name_case(NULL)"),
    ),
)
