"""What PyYAML has against a text, in words that say what to write instead."""

from __future__ import annotations

import re

import yaml

IN_QUOTES = "put the whole value in double quotes, or write it below, indented, behind `|-`"
WORDS = (
    (r"found character '\\t'", "a tab: YAML is indented with blanks"),
    (r"found character '(?P<sign>[@`%|>])'", "a value cannot begin with {sign}: put it in quotes"),
    (r"expected chomping or indentation indicators", f"a text in quotes ends here, and more follows: {IN_QUOTES}"),
    (r"mapping values are not allowed", f"a second ': ' in one line: {IN_QUOTES}"),
    (r"expected <block end>, but found '<scalar>'", f"a text in quotes ends here, and more follows: {IN_QUOTES}"),
    (r"expected <block end>, but found", "this line is indented otherwise than those that it belongs to"),
    (r"could not find expected ':'", "here ':' is missing behind a key"),
    (r"did not find expected key", "this line is indented otherwise than those that it belongs to"),
    (r"while scanning a quoted scalar", "a quote is opened here and not closed"),
    (r"found unexpected end of stream", "a quote is opened here and not closed"),
)
AT_ITS_BEGINNING = ("could not find expected ':'", "found unexpected end of stream")
"""What PyYAML notices far behind the place where it began."""


def words_of(error: yaml.MarkedYAMLError) -> str:
    """The error in words for authors, PyYAML's own behind them."""
    said = str(error.problem or error.context)
    for pattern, words in WORDS:
        found = re.search(pattern, said)
        if found:
            return f"{words.format(**found.groupdict())} (broken YAML: {said})"
    return f"broken YAML: {said}"


def mark_of(error: yaml.MarkedYAMLError) -> yaml.Mark | None:
    """Where the mistake is: where it begins if that is known, for some are noticed much later."""
    begins = error.context_mark is not None and str(error.problem) in AT_ITS_BEGINNING
    return error.context_mark if begins else error.problem_mark or error.context_mark
