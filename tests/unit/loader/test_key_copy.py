"""Packed keys become rows of a binary COPY without being looked at one by one."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from services.loader.key_copy import encoded


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=40), st.integers(-(2**31), 2**31 - 1))
def test_each_key_is_a_row_of_a_uuid_and_the_place(keys: list[bytes], place: int) -> None:
    rows = b"".join(struct.pack(">hi16sii", 2, 16, key, 4, place) for key in keys)
    assert encoded(b"".join(keys), place) == rows
