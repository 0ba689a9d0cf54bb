from __future__ import annotations

import csv
import io
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.extractor.csv_rows import count_rows, end_of_row, rows_of

VALUES = st.text(st.sampled_from('a",\n\r\\'), max_size=6)
ROWS = st.lists(st.lists(VALUES, min_size=2, max_size=2), max_size=12)


def written(rows: list[list[str]]) -> bytes:
    """As COPY writes it: quotes where needed, LF behind each row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@given(rows=ROWS, cuts=st.lists(st.integers(0, 200), max_size=5))
def test_rows_are_counted_wherever_chunks_end(rows: list[list[str]], cuts: list[int]) -> None:
    text = written(rows)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert count_rows(text[a:b] for a, b in pairwise(places)) == len(rows)


@given(before=ROWS.filter(bool), after=ROWS)
def test_the_end_of_a_row_is_where_the_next_begins(before: list[list[str]], after: list[list[str]]) -> None:
    text = written(before) + written(after)
    assert end_of_row(text, len(before), quoted=False) == len(written(before))
    assert rows_of(text, quoted=False) == (len(before) + len(after), False)
