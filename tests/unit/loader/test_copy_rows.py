"""A COPY stream comes apart into its rows and together again, byte for byte."""

from __future__ import annotations

import csv
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.loader.copy_rows import join_rows, split_rows, texts_of
from shared.core.errors import RunError
from shared.core.states import Encoding

values = st.one_of(st.none(), st.binary(max_size=6))
binary_tables = st.lists(st.lists(values, min_size=1, max_size=3), max_size=5)
texts = st.text(alphabet='a",\n\r\\.ü\0', max_size=6)
csv_tables = st.lists(st.lists(texts, min_size=2, max_size=3), max_size=5)


def binary_row(row: list[bytes | None]) -> bytes:
    fields = (struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value for value in row)
    return struct.pack(">h", len(row)) + b"".join(fields)


def csv_row(row: list[str]) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(row)
    return sink.getvalue().encode()


@given(binary_tables)
def test_binary_rows_are_found(table: list[list[bytes | None]]) -> None:
    rows = [binary_row(row) for row in table]
    stream = join_rows(Encoding.BINARY, rows)
    assert split_rows(Encoding.BINARY, stream) == rows
    assert stream == b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"".join(rows) + b"\xff\xff"


@given(csv_tables)
def test_csv_rows_are_found_whatever_their_values_hold(table: list[list[str]]) -> None:
    rows = [csv_row(row) for row in table]
    assert split_rows(Encoding.CSV, join_rows(Encoding.CSV, rows)) == rows
    assert [texts_of(Encoding.CSV, row) for row in rows] == table


def test_a_header_extension_is_passed_over() -> None:
    row = binary_row([b"x"])
    stream = b"PGCOPY\n\xff\r\n\0" + struct.pack(">II", 0, 3) + b"abc" + row + b"\xff\xff"
    assert split_rows(Encoding.BINARY, stream) == [row]


def test_values_are_told_as_texts_and_bytes_as_bytea() -> None:
    assert texts_of(Encoding.BINARY, binary_row([b"text", None, b"\xff\x00", b""])) == ["text", None, "\\xff00", ""]


@pytest.mark.parametrize(
    ("encoding", "stream"),
    (
        (Encoding.BINARY, b""),
        (Encoding.BINARY, b"x" * 40),
        (Encoding.BINARY, join_rows(Encoding.BINARY, [binary_row([b"abc"])])[:-2]),
        (Encoding.CSV, b'a,"b\n'),
    ),
)
def test_a_broken_stream_is_our_bug(encoding: Encoding, stream: bytes) -> None:
    with pytest.raises(RunError):
        split_rows(encoding, stream)
