"""What an author probably meant where an expression cannot be read: other databases' words, quotes, open brackets."""

from __future__ import annotations

import re
from types import MappingProxyType

from shared.plan.model import Text
from shared.plan.report import Report

OTHER_WORDS = MappingProxyType(
    {
        "char_length": "length(text)",
        "charindex": "position(part IN text)",
        "convert": "CAST(value AS type)",
        "date_format": "strftime(moment, format)",
        "decode": "CASE value WHEN … THEN … END",
        "getdate": "now(), the moment of the run",
        "initcap": "name_case(text)",
        "isnull": "coalesce(value, other)",
        "nvl": "coalesce(value, other)",
        "sysdate": "today(), the day of the run",
        "to_char": "strftime(moment, format), or printf(format, value) for numbers",
        "to_date": "date_of(text, format)",
        "to_number": "CAST(text AS DECIMAL(18, 2))",
        "to_timestamp": "timestamp_of(text, format)",
    }
)
"""Functions of other databases, and what says the same here."""
TEXTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
TYPOGRAPHIC = re.compile("[‘’“”„«»]")  # noqa: RUF001 - what word processors make of quotes
PAIRS = (("(", ")"), ("[", "]"), ("{", "}"))


def hint_of(text: Text, report: Report) -> str:
    """What is probably wrong with a text that DuckDB cannot read, empty if nothing is to be seen."""
    line = report.located(text.position, "", "").source_line
    behind = line[text.position.column - 1 :].removeprefix(text.value)
    if TYPOGRAPHIC.search(text.value):
        return "texts stand in plain single quotes, '…'"
    if "\n" not in text.value and re.match(r"\s+#", behind) and text.value.count("'") % 2:
        return "YAML takes what follows ' #' for a comment: put the whole value in double quotes"
    return open_part(TEXTS.sub("", text.value))


def open_part(code: str) -> str:
    """What is opened and not closed in an expression without its texts, or closed and not opened."""
    for opening, closing in PAIRS:
        missing = code.count(opening) - code.count(closing)
        if missing:
            return f"{closing!r} is missing" if missing > 0 else f"{closing!r} is there without its {opening!r}"
    words = re.findall(r"\w+", code.lower())
    return "CASE needs END" if words.count("case") > words.count("end") else ""


def name_hint(written: str, text: str, offset: int) -> str:
    """What a bare name probably was, empty if it is one."""
    if TYPOGRAPHIC.search(written):
        return f"{written!r}: texts stand in plain single quotes, '…'"
    if text[offset : offset + 1] == '"':
        return f"\"{written}\" in double quotes is a name: a text stands in single quotes, '{written}'"
    return ""
