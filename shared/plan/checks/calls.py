"""Calls of the plan language's own functions: how many arguments, which of them are names, and what they name."""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly

import msgspec

from shared.plan.expressions import Call, Node
from shared.plan.functions import FUNCTIONS
from shared.plan.model import Mapping, Text
from shared.plan.nodes import string_constant
from shared.plan.packing import rest_call
from shared.plan.report import Report


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """What calls may name: code books and mappings of the plan."""

    codebooks: frozenset[str]
    mappings: ReadOnly[str, Mapping]

    def check(self, call: Call, text: Text, report: Report, *, is_column: bool) -> None:
        """Note everything wrong with a call of one of our functions."""
        name = call.name.lower()
        function = FUNCTIONS[name]
        count = len(call.arguments)
        if any(call.argument_names) and name != "rest":
            report.problem_in(text, call.offset, f"{function.signature} takes no named arguments")
        elif count < function.minimum or (function.maximum is not None and count > function.maximum):
            report.problem_in(text, call.offset, f"{name}() is called as {function.signature}")
        elif name == "codebook":
            self.check_codebook(call, text, report)
        elif name == "ref":
            self.check_reference(call, text, report)
        elif name == "rest":
            check_rest(call, text, report, is_column=is_column)
        elif name in {"date_of", "timestamp_of"} and None in map(string_constant, call.arguments[1:]):
            report.problem_in(text, call.offset, f"the formats of {name}() are texts in quotes")
        elif name == "matching" and string_constant(call.arguments[1]) is None:
            report.problem_in(text, call.offset, "the pattern of matching() is a text in quotes")

    def check_codebook(self, call: Call, text: Text, report: Report) -> None:
        """codebook(name, code)."""
        name = string_constant(call.arguments[0])
        if name is None:
            report.problem_in(text, call.offset, "codebook() begins with the name of a code book in quotes")
        elif name not in self.codebooks:
            message = f"there is no code book {name!r}"
            report.problem_in(text, place(call.arguments[0]), message, wrong=name, known=self.codebooks)

    def check_reference(self, call: Call, text: Text, report: Report) -> None:
        """ref(mapping, part, ...)."""
        name = string_constant(call.arguments[0])
        parent = None if name is None else self.mappings.get(name)
        if name is None:
            report.problem_in(text, call.offset, "ref() begins with the name of a mapping in quotes")
        elif parent is None:
            message = f"there is no mapping {name!r}"
            report.problem_in(text, place(call.arguments[0]), message, wrong=name, known=self.mappings)
        elif parent.content_key:
            report.problem_in(text, call.offset, f"the rows of {name!r} have no key to refer to: theirs is content()")
        elif len(call.arguments) - 1 != len(parent.key):
            message = f"the key of {name!r} has {len(parent.key)} part(s), this ref() gives {len(call.arguments) - 1}"
            report.problem_in(text, call.offset, message)


def check_rest(call: Call, text: Text, report: Report, *, is_column: bool) -> None:
    """rest(), rest(except := ['name', ...], also := ['name', ...])."""
    if not is_column:
        report.problem_in(text, call.offset, "rest() belongs in a column")
        return
    found = rest_call(call)
    if found is None:
        message = "rest() is called as rest() or rest(except := ['name', …], also := ['name', …])"
        report.problem_in(text, call.offset, message)
    elif twice := set(found.excepted) & set(found.also):
        report.problem_in(text, call.offset, f"rest() both excepts and packs {min(twice)!r}: name it once")


def place(node: Node) -> int:
    """Where a node stands in its expression."""
    location = node.get("query_location")
    return location if isinstance(location, int) else 0
