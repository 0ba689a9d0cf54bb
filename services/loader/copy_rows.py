"""A COPY stream taken apart into its rows, for the rare batch of which COPY itself refuses a row."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Sequence

from shared.core.errors import RunError
from shared.core.states import Encoding

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER = struct.Struct(">11sII")
_COUNT = struct.Struct(">h")
_LENGTH = struct.Struct(">i")
HEADER = _HEADER.pack(_SIGNATURE, 0, 0)
TRAILER = _COUNT.pack(-1)
"""What begins and ends a binary stream."""


def split_rows(encoding: Encoding, stream: bytes) -> list[bytes]:
    """The encoded rows of a stream, in order. Raises RunError where it is not a whole stream of its encoding."""
    try:
        return _split_binary(stream) if encoding is Encoding.BINARY else _split_csv(stream)
    except struct.error as error:
        raise _broken() from error


def join_rows(encoding: Encoding, rows: Sequence[bytes]) -> bytes:
    """The stream of some encoded rows."""
    if encoding is Encoding.BINARY:
        return b"".join((HEADER, *rows, TRAILER))
    return b"".join(rows)


def texts_of(encoding: Encoding, row: bytes) -> list[str | None]:
    """The values of one encoded row as texts; bytes that are no text, as PostgreSQL writes bytea."""
    if encoding is Encoding.BINARY:
        return [None if value is None else _text(value) for value in values_of(row)]
    decoded = row.decode("utf-8", "replace")
    values = next(csv.reader(io.StringIO(decoded, newline=""), strict=False), [])
    return list(values)


def values_of(row: bytes) -> list[bytes | None]:
    """The values of one row of a binary stream, as they travel."""
    values: list[bytes | None] = []
    at = _COUNT.size
    for _ in range(_COUNT.unpack_from(row)[0]):
        length = _LENGTH.unpack_from(row, at)[0]
        at += _LENGTH.size
        values.append(None if length < 0 else row[at : at + length])
        at += max(length, 0)
    return values


def _split_binary(stream: bytes) -> list[bytes]:
    signature, _flags, extension = _HEADER.unpack_from(stream)
    if signature != _SIGNATURE:
        raise _broken()
    rows, at = [], _HEADER.size + extension
    while (count := _COUNT.unpack_from(stream, at)[0]) != -1:
        start, at = at, at + _COUNT.size
        for _ in range(count):
            at += _LENGTH.size + max(_LENGTH.unpack_from(stream, at)[0], 0)
        rows.append(stream[start:at])
    return rows


def _split_csv(stream: bytes) -> list[bytes]:
    """A row ends at a line end with an even number of quotes before it."""
    rows: list[bytes] = []
    open_row: list[bytes] = []
    quotes = 0
    for line in _lines(stream):
        open_row.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            rows.append(b"".join(open_row))
            open_row, quotes = [], 0
    if open_row:
        raise _broken()
    return rows


def _lines(stream: bytes) -> list[bytes]:
    """Lines by newline only: `splitlines` would also end one at a carriage return within a value."""
    lines = [line + b"\n" for line in stream.split(b"\n")]
    return lines[:-1] if lines[-1] == b"\n" else [*lines[:-1], lines[-1][:-1]]


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return "\\x" + value.hex()


def _broken() -> RunError:
    return RunError("A batch's rows are no whole COPY stream.", code="rows_broken")
