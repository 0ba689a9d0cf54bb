from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from shared.core.keys import key_parts, legacy_key


@given(parts=st.lists(st.text(alphabet="a|\\ '\n€"), min_size=1, max_size=4))
@example(parts=["\\|", "", "|"])
def test_a_key_that_was_written_as_one_text_is_read_back_part_by_part(parts: list[str]) -> None:
    assert list(key_parts(legacy_key(parts))) == parts
