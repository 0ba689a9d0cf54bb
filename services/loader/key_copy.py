"""Packed 16-byte keys as a binary COPY stream, without an object for each key."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator

import asyncpg

KEY_BYTES = 16
KEYS_AT_ONCE = 50_000
_HEADER = struct.pack(">11sII", b"PGCOPY\n\xff\r\n\0", 0, 0)
_TRAILER = struct.pack(">h", -1)
_KEY_AT = struct.calcsize(">hi")


async def copy_keys(connection: asyncpg.Connection, table: str, keys: bytes, place: int) -> None:
    """Put keys into a temporary table (`key` uuid, `place` integer), all with one place."""
    await connection.copy_to_table(
        table, schema_name="pg_temp", columns=("key", "place"), source=_stream(keys, place), format="binary"
    )


def encoded(keys: bytes, place: int) -> bytes:
    """Rows of two columns: each 16-byte key, and the place."""
    row = struct.pack(">hi16sii", 2, KEY_BYTES, bytes(KEY_BYTES), 4, place)
    rows = bytearray(row * (len(keys) // KEY_BYTES))
    for at in range(KEY_BYTES):
        rows[_KEY_AT + at :: len(row)] = keys[at::KEY_BYTES]
    return bytes(rows)


async def _stream(keys: bytes, place: int) -> AsyncIterator[bytes]:
    yield _HEADER
    for at in range(0, len(keys), KEYS_AT_ONCE * KEY_BYTES):
        yield encoded(keys[at : at + KEYS_AT_ONCE * KEY_BYTES], place)
    yield _TRAILER
