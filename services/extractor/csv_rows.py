"""Finds the ends of rows in COPY CSV: a newline ends a row unless it stands within quotes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

QUOTE, NEWLINE = b'"', b"\n"


def count_rows(chunks: Iterable[bytes]) -> int:
    """Rows of a whole CSV text, given in chunks that end anywhere."""
    rows, quoted = 0, False
    for chunk in chunks:
        found, quoted = rows_of(chunk, quoted=quoted)
        rows += found
    return rows


def rows_of(chunk: bytes, *, quoted: bool) -> tuple[int, bool]:
    """Row ends in a chunk that begins within quotes or not, and whether it ends within quotes."""
    if QUOTE not in chunk:
        return (0 if quoted else chunk.count(NEWLINE)), quoted
    letters = np.frombuffer(chunk, dtype=np.uint8)
    quotes = np.flatnonzero(letters == QUOTE[0])
    newlines = np.flatnonzero(letters == NEWLINE[0])
    quotes_before = np.searchsorted(quotes, newlines) + int(quoted)
    return int(np.count_nonzero(quotes_before % 2 == 0)), (len(quotes) + int(quoted)) % 2 == 1


def end_of_row(chunk: bytes, row: int, *, quoted: bool) -> int:
    """Offset just behind the end of the `row`-th row, from 1. Raises ValueError when the chunk has fewer row ends."""
    offset = 0
    for part in chunk.split(QUOTE):
        ends = 0 if quoted else part.count(NEWLINE)
        if ends >= row:
            for _ in range(row):
                offset = chunk.index(NEWLINE, offset) + 1
            return offset
        row -= ends
        offset += len(part) + 1
        quoted = not quoted
    raise ValueError("the chunk has fewer rows")
