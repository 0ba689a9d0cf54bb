"""What the target said of a row, as a reason of ours. Names are taken only where they are names of the table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from services.loader.shape import TargetShape
from shared.messages.data import Reason

CODES: Mapping[str, str] = MappingProxyType(
    {
        "22001": "too_long",
        "22003": "out_of_range",
        "22007": "cast",
        "22008": "out_of_range",
        "22021": "characters",
        "22P02": "cast",
        "22P05": "characters",
        "23502": "required",
        "23503": "missing_parent",
        "23505": "duplicate_of",
        "23514": "check",
        "23P01": "exclusion",
        "54000": "too_large",
        "54001": "too_large",
    }
)
"""By SQLSTATE; what is in none of them is `refused_by_trigger` for a trigger's own codes and `refused` for the rest."""


def reason_for(sqlstate: str, column: str, constraint: str, shape: TargetShape, identity: tuple[str, ...]) -> Reason:
    """The reason for a refusal: `key_taken` where the row's own key is in the way, `duplicate_of` for another's."""
    own_key = sqlstate == "23505" and bool(identity) and shape.constraints.get(constraint) == identity
    return Reason(
        code="key_taken" if own_key else _code(sqlstate),
        column=_place(sqlstate, column, constraint, shape),
        sqlstate=sqlstate,
    )


def _code(sqlstate: str) -> str:
    known = CODES.get(sqlstate)
    if known is not None:
        return known
    return "refused" if sqlstate[:2] in {"22", "23", "44", "54"} else "refused_by_trigger"


def _place(sqlstate: str, column: str, constraint: str, shape: TargetShape) -> str:
    """The column or constraint concerned. A trigger may raise with any text for a name: only known ones pass."""
    if any(known.name == column for known in shape.columns):
        return column
    columns = shape.constraints.get(constraint)
    if columns is None:
        return ""
    return ", ".join(columns) if columns and sqlstate in {"23503", "23505"} else constraint
