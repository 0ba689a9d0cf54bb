"""What the codes of refused rows mean, in words: what is wrong, and what can be done. Never a value."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Words(NamedTuple):
    """`title` says what is wrong with the row, `remedy` what to do about it."""

    title: str
    remedy: str


_PLAN = "Say in the plan what becomes of such values, then replay the rows."
_TYPE = "Convert the value in the plan, or widen the target's column, then replay the rows."
_TARGET = "Correct the target or the plan, then replay the rows."

REASON_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "already_back": Words("Put back by an earlier undo of the run", "Nothing to do: the row is as it was."),
        "already_gone": Words("Gone from the target, too", "Nothing to do: somebody else removed the row meanwhile."),
        "bad_date": Words("Date in no known format", "Add the format to `date_of` in the plan, then replay the rows."),
        "bad_email": Words("Not an e-mail address", _PLAN),
        "bad_format": Words("Not of the form that the plan asks for", _PLAN),
        "bad_hash": Words(
            "A password's hash that the new log-in cannot check",
            "Let the account begin without a password (`bad_value: null_it`), then replay the rows.",
        ),
        "bad_json": Words("Not valid JSON", _PLAN),
        "bad_phone": Words("Not a phone number", _PLAN),
        "bad_reference": Words("A reference that cannot be read", _PLAN),
        "cast": Words("Not of the target's type", _TYPE),
        "changed_in_target": Words(
            "Somebody changed it in the target since a run wrote it",
            "See who did. `changed` in the plan says who wins: the source, the target, or a person.",
        ),
        "characters": Words("Characters that the target cannot store", _PLAN),
        "check": Words("A check of the target refuses it", _TARGET),
        "duplicate_of": Words("Already there under another key", "Decide which of the rows is right, then replay it."),
        "edited": Words(
            "Loaded with values that a person gave it",
            "Nothing to do: the audit has who, when and why. A verify takes the row as it is.",
        ),
        "exclusion": Words("It overlaps with another row", "Decide which of the rows is right, then replay it."),
        "expression": Words("An expression of the plan failed", "Correct the expression, then replay the rows."),
        "infinity": Words("An infinite value", _PLAN),
        "key_out_of_range": Words(
            "A key below 0 or above 281474976710655 has no place in `keys: uuid8`",
            "Correct the row; before a first run of the plan, `keys: uuid5` takes any key.",
        ),
        "key_taken": Words(
            "Its own key is taken by a different row",
            "See who wrote the row in the target; a merge run updates it, an insert never does.",
        ),
        "left_in_target": Words(
            "Refused or left out by now, and still there from an earlier run",
            "Correct the row in the source, or say in the plan what becomes of rows that are gone (`gone`).",
        ),
        "lossy_number": Words("The number would lose digits", _TYPE),
        "missing_parent": Words(
            "The row it refers to is not there",
            "Replay it once its parent is loaded, or say in the plan what becomes of rows without one.",
        ),
        "not_a_label": Words("Not one of the labels that the target knows", _PLAN),
        "not_in_target": Words(
            "Not there to be filled in",
            "The run that loads the mapping says what became of these rows; a back-fill inserts none.",
        ),
        "out_of_range": Words("Out of the range of the target's type", _TYPE),
        "refused": Words("The target refuses it", _TARGET),
        "refused_by_trigger": Words("A trigger of the target refuses it", _TARGET),
        "required": Words("A required value is missing", "Give the column a value in the plan, then replay the rows."),
        "row_too_large": Words(
            "The row is larger than rows may be",
            "Move it by hand, leave the large column out of the mapping, or raise MAX_ROW_BYTES.",
        ),
        "rule": Words("A rule of the plan refuses it", "Correct the row or the rule, then replay the rows."),
        "still_referred": Words(
            "Gone from the source, and rows of the target still refer to it",
            "See what refers to it; the next merge removes the row once nothing does.",
        ),
        "too_large": Words("Larger than the target takes", _TARGET),
        "too_long": Words("Too long for the target", _TYPE),
        "unknown_code": Words(
            "Unknown code", "Add the code to the codebook, or say what becomes of unknown ones, then replay the rows."
        ),
        "unresolved": Words(
            "The row it refers to is not there, and the reference stays empty",
            "See what became of that row; once it is loaded, fill the column in with `run --only`.",
        ),
        "unreadable": Words("The value cannot be read", _PLAN),
    }
)


def words_for(code: str) -> Words:
    """The words for a code; of one that is not listed, its own."""
    return REASON_WORDS.get(code) or Words(code.replace("_", " ").capitalize(), _PLAN)
