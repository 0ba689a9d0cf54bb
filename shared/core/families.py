"""The three families of data quality checks after Kahn et al. (2016), and the one that each reason belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Family(StrEnum):
    """Whether a value has the right form, whether it is there, whether it can be true.

    CONFORMANCE: types, formats, lengths, code books, references (relational), uniqueness. COMPLETENESS: required values
    and rows that joins leave out. PLAUSIBILITY: rules of the plan, checks of the target, ranges.
    """

    CONFORMANCE = "conformance"
    COMPLETENESS = "completeness"
    PLAUSIBILITY = "plausibility"


FAMILY_OF: Mapping[str, Family] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("bad_date", "bad_email", "bad_format", "bad_hash", "bad_json", "bad_phone", "bad_reference"),
                *(
                    "cast",
                    "characters",
                    "expression",
                    "infinity",
                    "lossy_number",
                    "not_a_label",
                    "too_large",
                    "too_long",
                ),
                *("unknown_code", "unreadable", "key_out_of_range", "row_too_large", "refused", "refused_by_trigger"),
                *("duplicate_of", "exclusion", "key_taken", "missing_parent", "unresolved", "placeholder_parent"),
            ),
            Family.CONFORMANCE,
        ),
        **dict.fromkeys(("required", "excluded", "not_in_target"), Family.COMPLETENESS),
        **dict.fromkeys(("rule", "check", "out_of_range"), Family.PLAUSIBILITY),
    }
)
"""By the reason of a refused row, or the code of a warning; what is not listed is about form."""


def family_of(reason: str) -> Family:
    """The family of a reason."""
    return FAMILY_OF.get(reason, Family.CONFORMANCE)
