r"""clean(text): a text without what keyboards, exports and copying leave in it.

Removed are control characters U+0000 to U+001F but tab and line ends, U+007F to U+009F, zero-width spaces, byte-order
marks and direction marks (joiners stay: they mean something in Hindi and Persian). White space of any kind is
trimmed; inside a line a run of it becomes one blank, and every line end a line feed. The text is in NFC. What is then
empty, or one of `null`, `NULL`, `None`, `undefined` (exactly these: Null is a surname), is NULL.
"""

from __future__ import annotations

import re
import unicodedata

from shared.plan.functions.function import Example, Function, Native, by_value

INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
LINE_END = re.compile("\r\n?|[\x85\u2028\u2029]")
BLANKS = re.compile("[\t \xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
PLAIN = (
    r"!-~\x{c0}-\x{24f}\x{400}-\x{52f}\x{e01}-\x{e5b}"
    r"\x{3041}-\x{3096}\x{30a1}-\x{30fa}\x{4e00}-\x{9fff}\x{ac00}-\x{d7a3}"
)
"""ASCII, and letters that NFC leaves alone beside each other: Latin, Cyrillic, Thai, Japanese, Chinese, Korean."""
TIDY = f"[{PLAIN}]+( [{PLAIN}]+)*"
"""A text that nothing has to be done to: the usual case, decided in one pass."""


def tidied(text: str) -> str:
    """The text without invisible characters, blanks collapsed and trimmed, in NFC."""
    seen = LINE_END.sub("\n", INVISIBLE.sub("", text))
    return unicodedata.normalize("NFC", BLANKS.sub(" ", seen).strip(" \n"))


CLEAN = Function(
    name="clean",
    signature="clean(text)",
    summary="Trimmed, blanks collapsed, invisible characters removed, NFC; no value becomes NULL.",
    minimum=1,
    maximum=1,
    macro=(
        f"""create or replace macro tidy(value) as
        case when regexp_full_match(value, '{TIDY}') then value else tidied(value) end""",
        """create or replace macro with_a_value(value) as
        case when value in ('', 'null', 'NULL', 'None', 'undefined') then null else value end""",
        "create or replace macro clean(value) as with_a_value(tidy(value))",
    ),
    natives=(Native(name="tidied", arguments=("VARCHAR",), result="VARCHAR", function=by_value(tidied)),),
    steps=("tidy", "with_a_value"),
    examples=(
        Example(call="clean('  Anna   Maria ')", result="Anna Maria"),
        Example(call="clean('plain')", result="plain"),
        Example(call="clean('')"),
        Example(call="clean('  ')"),
        Example(call="clean('null')"),
        Example(call="clean(' NULL ')"),
        Example(call="clean('None')"),
        Example(call="clean('undefined')"),
        Example(call="clean('Null')", result="Null"),
        Example(call="clean(NULL)"),
        Example(call="clean('e' || chr(769))", result="é"),
        Example(call="clean(chr(8203) || 'a' || chr(8238) || 'b' || chr(65279))", result="ab"),
        Example(call="clean('a' || chr(160) || chr(12288) || 'b')", result="a b"),
        Example(call="clean('a' || chr(9) || ' b')", result="a b"),
        Example(call="clean('one' || chr(13) || chr(10) || chr(10) || '  two')", result="one\n\n two"),
        Example(call="clean('a' || chr(8204) || 'b')", result="a\u200cb"),
        Example(call="clean('a' || chr(1) || 'b')", result="ab"),
        Example(call="clean('Łódź  2')", result="Łódź 2"),
    ),
)
