"""A masked value tells its kind and its length, nothing else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.redaction import mask

KINDS = {"null", "empty", "digits", "letters", "text", "number", "boolean", "list", "object"}


@pytest.mark.parametrize(
    ("value", "kind", "length"),
    (
        (None, "null", 0),
        ("", "empty", 0),
        ("0123", "digits", 4),
        ("Ada", "letters", 3),
        ("ada@example.org", "text", 15),
        (12.5, "number", 4),
        (True, "boolean", 1),
        ([1, 2], "list", 2),
        ({"a": 1}, "object", 1),
    ),
)
def test_kinds_are_told_apart(value: object, kind: str, length: int) -> None:
    assert (mask(value).kind, mask(value).length) == (kind, length)


@given(st.text(max_size=50))
def test_two_texts_of_one_kind_and_length_look_alike(text: str) -> None:
    masked = mask(text)
    assert masked.kind in KINDS
    assert set(msgspec.to_builtins(masked)) == {"kind", "length"}
    assert masked.length == len(text)
