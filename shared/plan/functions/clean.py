r"""clean(text): a text without what keyboards, exports and copying leave in it.

Removed are control characters U+0000 to U+001F but tab and line ends, U+007F to U+009F, zero-width spaces,
byte-order marks and direction marks (joiners stay: they mean something in Hindi and Persian). White space of any kind is trimmed;
inside a line a run of it becomes one blank, and every line end a line feed. The text is in NFC. What is then empty, or one of `null`, `NULL`, `None`, `undefined` (exactly these: Null is a surname), is NULL.
"""

from __future__ import annotations

from shared.plan.functions.function import Example, Function

INVISIBLE = r"[\x{0}-\x{8}\x{b}\x{c}\x{e}-\x{1f}\x{7f}-\x{84}\x{86}-\x{9f}\x{ad}\x{180e}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2069}\x{feff}]"
BLANKS = r"[\t \x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]+"
LINE_END = r"\r\n?|[\x{85}\x{2028}\x{2029}]"
TIDY = r"[!-~]+( [!-~]+)*"
"""A text of plain ASCII that nothing has to be done to: the usual case, decided in one pass."""

CLEAN = Function(
    name="clean",
    signature="clean(text)",
    summary="Trimmed, blanks collapsed, invisible characters removed, NFC; no value becomes NULL.",
    minimum=1,
    maximum=1,
    macro=(
        f"""create or replace macro tidied(value) as
        nfc_normalize(trim(regexp_replace(regexp_replace(regexp_replace(value,
            '{INVISIBLE}', '', 'g'), '{LINE_END}', chr(10), 'g'), '{BLANKS}', ' ', 'g'), ' ' || chr(10)))""",
        f"""create or replace macro clean(value) as
        nullif(nullif(nullif(nullif(nullif(
            case when regexp_full_match(value, '{TIDY}') then value else tidied(value) end,
            ''), 'null'), 'NULL'), 'None'), 'undefined')""",
    ),
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
