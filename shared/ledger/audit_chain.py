"""The audit's chain of hashes: how it is made, and what is wrong with it.

An entry's hash is the SHA-256 of the hash before it and of the entry's canonical bytes: for every field the length in
bytes of its text in UTF-8, a colon, the text. The fields are, in order: seq, at (UTC, `2026-01-31T12:00:00.000000Z`),
actor, role, action, object_kind, object_id, outcome, address, request_id, detail (as PostgreSQL writes a jsonb). The
hash before the first entry is 32 zero bytes. The head is the number and the hash of the last entry.

Who owns the database can write the whole chain anew; only a head that was kept elsewhere shows that.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum

import asyncpg
import msgspec

from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "audit.sql")
START = (0, "00" * 32)
"""The head of an empty audit."""
PAGE_ENTRIES = 500
"""Entries between two breaths of the process: whoever verifies may be answering requests as well."""


class RecordedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as the ledger has it, without its hashes. `detail` is the JSON as PostgreSQL writes it."""

    seq: int
    at: datetime
    actor: str
    role: str
    action: str
    object_kind: str
    object_id: str
    outcome: str
    address: str
    request_id: str
    detail: str


class Fault(StrEnum):
    """In which way a chain is broken."""

    ALTERED = "altered"
    MISSING = "missing"
    FIRST_MISSING = "first_missing"
    TAIL_MISSING = "tail_missing"
    BEYOND_HEAD = "beyond_head"
    HEAD_MISSING = "head_missing"
    HEAD_ALTERED = "head_altered"
    OTHER_CHAIN = "other_chain"


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification found. `count` entries were looked at; `fault` at entry `broken_at` is the first one, if any.

    `head` is the last entry that is proven, number and hash in hexadecimal.
    """

    count: int
    head: tuple[int, str]
    fault: Fault | None = None
    broken_at: int | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None

    @property
    def head_text(self) -> str:
        """The head as people keep it: `17:` and the hash."""
        return f"{self.head[0]}:{self.head[1]}"


def canonical(entry: RecordedEntry) -> bytes:
    """The bytes of an entry that its hash covers: two different entries never have the same."""
    moment = entry.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    fields = (
        *(str(entry.seq), f"{moment}Z", entry.actor, entry.role, entry.action, entry.object_kind, entry.object_id),
        *(entry.outcome, entry.address, entry.request_id, entry.detail),
    )
    encoded = [field.encode() for field in fields]
    return b"".join(b"%d:%b" % (len(field), field) for field in encoded)


def entry_hash(previous: bytes, entry: RecordedEntry) -> bytes:
    """The hash of an entry that follows one with the hash `previous`."""
    return hashlib.sha256(previous + canonical(entry)).digest()


async def verify(
    connection: asyncpg.Connection,
    *,
    expected: tuple[int, str] | None = None,
    after: tuple[int, str] | None = None,
) -> Verification:
    """Recompute the chain from its start, or from `after`, a head up to which it is known to be whole.

    `expected` is a head that was kept elsewhere: the chain must pass through it.
    """
    head = await connection.fetchrow(SQL["head"])
    walk = _Walk(after or START, expected)
    if head is None:
        return walk.broken(Fault.HEAD_MISSING)
    last: int = head["last_seq"] or 0
    if last < walk.seq:
        return walk.broken(Fault.TAIL_MISSING, last + 1)
    while walk.seq < last:
        rows = await connection.fetch(SQL["chain"], walk.seq, last, PAGE_ENTRIES)
        for row in rows:
            if (fault := walk.step(row)) is not None:
                return fault
        if not rows:
            break
    return walk.end(head["seq"], head["hash"])


class _Walk:
    """The chain up to `seq`, whose hash is `hash`."""

    def __init__(self, start: tuple[int, str], expected: tuple[int, str] | None) -> None:
        self.seq = start[0]
        self.hash = bytes.fromhex(start[1])
        self._expected = expected
        self._count = 0

    def step(self, row: asyncpg.Record) -> Verification | None:
        """Take the next entry; gives what is wrong with it."""
        entry = RecordedEntry(**{name: row[name] for name in RecordedEntry.__struct_fields__})
        if entry.seq != self.seq + 1:
            return self.broken(Fault.MISSING if self.seq else Fault.FIRST_MISSING, self.seq + 1)
        if row["previous_hash"] != self.hash and entry_hash(row["previous_hash"], entry) == row["hash"]:
            # It is as it was written: the one before it is not the one that it was written after.
            return self.broken(Fault.ALTERED, self.seq or 1)
        if row["previous_hash"] != self.hash or entry_hash(self.hash, entry) != row["hash"]:
            return self.broken(Fault.ALTERED, entry.seq)
        self.seq, self.hash, self._count = entry.seq, row["hash"], self._count + 1
        if self._expected is not None and entry.seq == self._expected[0] and self.hash.hex() != self._expected[1]:
            return self.broken(Fault.OTHER_CHAIN, entry.seq)
        return None

    def end(self, head_seq: int, head_hash: bytes) -> Verification:
        """Hold the last entry against the head."""
        if head_seq > self.seq:
            return self.broken(Fault.TAIL_MISSING, self.seq + 1)
        if head_seq < self.seq:
            return self.broken(Fault.BEYOND_HEAD, head_seq + 1)
        if head_hash != self.hash:
            return self.broken(Fault.HEAD_ALTERED, self.seq)
        if self._expected is not None and self._expected[0] > self.seq:
            return self.broken(Fault.TAIL_MISSING, self.seq + 1)
        return Verification(count=self._count, head=self._head)

    def broken(self, fault: Fault, seq: int | None = None) -> Verification:
        return Verification(count=self._count, head=self._head, fault=fault, broken_at=seq)

    @property
    def _head(self) -> tuple[int, str]:
        return self.seq, self.hash.hex()
