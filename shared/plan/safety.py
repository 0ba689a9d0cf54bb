"""Which expressions can make a statement fail: everything that is not known to be harmless gets a net."""

from __future__ import annotations

from collections.abc import Callable

from shared.plan.expressions import Node
from shared.plan.nodes import LEAVES, NO_CAST, children, is_null, target_type

HARMLESS = frozenset(
    {
        "!~~", "!~~*", "~~", "~~*", "~~~", "bit_length", "char_length", "character_length", "concat", "concat_ws",
        "day", "dayofmonth", "dayofweek", "dayofyear", "encode", "ends_with", "hash", "hex", "hour", "instr",
        "json_array", "lcase", "len", "length", "lower", "ltrim", "md5", "minute", "month", "nfc_normalize",
        "position", "prefix", "quarter", "replace", "reverse", "rtrim", "sha1", "sha256", "split_part",
        "starts_with", "str_split", "string_split", "strip_accents", "strlen", "strpos", "struct_pack", "suffix",
        "to_json", "translate", "trim", "trunc", "ucase", "unicode", "upper", "week", "weekday", "year",
    }
)  # fmt: skip
"""Functions that give a value or NULL for every argument of their types."""
CONSTANT_BUT_FIRST = frozenset(
    {
        "ilike_escape", "left", "like_escape", "not_ilike_escape", "not_like_escape", "regexp_extract",
        "regexp_extract_all", "regexp_full_match", "regexp_matches", "regexp_replace", "regexp_split_to_array", "right",
        "substr", "substring",
    }
)  # fmt: skip
"""Harmless where all but the first argument are constants: those are tried when the plan is compiled."""
ALIKE = frozenset({"||", "contains", "greatest", "least", "list_value", "nullif"})
"""Harmless where all arguments have one type."""
OBJECT = "json_object"
"""Harmless where every key is a constant: a key that is NULL is an error."""
CASTING_OPERATORS = frozenset({"COMPARE_IN", "COMPARE_NOT_IN"})
HARMLESS_OPERATORS = frozenset({"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_TRY"})
SAME_TYPE_OPERATORS = frozenset({"OPERATOR_COALESCE", "OPERATOR_NOT"})

TypeOf = Callable[[Node], str]


def may_throw(node: Node, type_of: TypeOf) -> bool:
    """Whether evaluating a rewritten expression may fail for some row."""
    kind = node["class"]
    if kind in LEAVES or node["type"] == "OPERATOR_TRY":
        return False
    below = children(node)
    if any(may_throw(child, type_of) for child in below):
        return True
    match kind:
        case "COMPARISON" | "BETWEEN":
            return not _alike(below, type_of)
        case "CONJUNCTION":
            return any(type_of(child) != "BOOLEAN" for child in below)
        case "CASE":
            return _case_may_throw(node, type_of)
        case "CAST":
            return not (node["try_cast"] or target_type(node) in NO_CAST or below[0]["class"] == "CONSTANT")
        case "OPERATOR":
            return _operator_may_throw(node, below, type_of)
        case "FUNCTION":
            return _function_may_throw(node, below, type_of)
    return True


def _case_may_throw(node: Node, type_of: TypeOf) -> bool:
    whens = [check["when_expr"] for check in node["case_checks"]]
    thens = [check["then_expr"] for check in node["case_checks"]]
    return any(type_of(when) != "BOOLEAN" for when in whens) or not _alike([*thens, node["else_expr"]], type_of)


def _operator_may_throw(node: Node, below: list[Node], type_of: TypeOf) -> bool:
    if node["type"] in HARMLESS_OPERATORS:
        return False
    if node["type"] == "OPERATOR_NOT":
        return type_of(below[0]) != "BOOLEAN"
    if node["type"] in CASTING_OPERATORS or node["type"] in SAME_TYPE_OPERATORS:
        return not _alike(below, type_of)
    return True


def _function_may_throw(node: Node, below: list[Node], type_of: TypeOf) -> bool:
    name = node["function_name"].lower()
    if name in HARMLESS:
        return False
    if name in CONSTANT_BUT_FIRST:
        return len(below) < 2 or any(child["class"] != "CONSTANT" for child in below[1:])
    if name == OBJECT:
        return any(key["class"] != "CONSTANT" or is_null(key) for key in below[::2])
    return name not in ALIKE or not _alike(below, type_of)


def _alike(nodes: list[Node], type_of: TypeOf) -> bool:
    """Whether no operand has to be cast in a way that can fail: one type, or constants of its kind."""
    types = {type_of(node) for node in nodes if not is_null(node)}
    if len(types) <= 1:
        return True
    variable = {type_of(node) for node in nodes if node["class"] != "CONSTANT"}
    constant = {type_of(node) for node in nodes if node["class"] == "CONSTANT" and not is_null(node)}
    return len(variable) == 1 and all(map(_is_number, variable)) and all(map(_is_number, constant))


def _is_number(kind: str) -> bool:
    return kind.endswith("INT") or kind in ("INTEGER", "FLOAT", "DOUBLE") or kind.startswith("DECIMAL")
