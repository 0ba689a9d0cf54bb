"""codebook(name, code): what a code means. Codes are compared as text; an unknown one gets no default in silence."""

from __future__ import annotations

from shared.plan.functions.function import Function
from shared.postgres.identifiers import literal

LEAF = 48
"""Codes in one MAP, which DuckDB searches in order; larger books are halved until a part is no larger."""

CODEBOOK = Function(
    name="codebook",
    signature="codebook(name, code)",
    summary="The meaning of a code in one of the plan's code books.",
    minimum=2,
    maximum=2,
    reason="unknown_code",
)


def lookup_sql(code: str, meanings: dict[str, str]) -> str:
    """SQL that looks up `code`, a text that is cheap to repeat. NULL for an unknown one."""
    if not meanings:
        return f"CASE WHEN {code} IS NULL THEN {code} END"
    # DuckDB compares texts by their bytes.
    return _searched(code, sorted(meanings.items(), key=lambda pair: pair[0].encode()))


def _searched(code: str, pairs: list[tuple[str, str]]) -> str:
    if len(pairs) <= LEAF:
        return "MAP {" + ", ".join(f"{literal(known)}: {literal(meaning)}" for known, meaning in pairs) + f"}}[{code}]"
    middle = len(pairs) // 2
    lower, upper = _searched(code, pairs[:middle]), _searched(code, pairs[middle:])
    return f"CASE WHEN {code} < {literal(pairs[middle][0])} THEN {lower} ELSE {upper} END"
