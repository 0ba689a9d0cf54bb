"""The fields that a log line may have. What is not declared here does not leave the process."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final
from uuid import UUID


class Kind(Enum):
    """What a field may hold."""

    NAME = auto()  # of a thing: mapping, table, column, service; one line of up to 128 characters
    WORD = auto()  # of ours: a state, a code, a class; no spaces
    ID = auto()  # a UUID
    NUMBER = auto()  # a count, a size, a time
    FLAG = auto()  # yes or no
    NUMBERS = auto()  # counts by word


FIELDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("run", "request"), Kind.ID),
    **dict.fromkeys(("migration", "mapping", "table", "column", "plan", "queue", "system", "part", "task"), Kind.NAME),
    **dict.fromkeys(
        (
            *("service", "stage", "state", "kind", "mode", "phase", "outcome", "message_type", "step", "method"),
            *("environment", "version", "postgres_version", "signal", "encoding", "severity", "code", "sqlstate"),
        ),
        Kind.WORD,
    ),
    **dict.fromkeys(
        (
            *("seq", "generation", "pass_number", "attempt", "attempts", "count", "limit", "window", "in_flight"),
            *(
                "row_count",
                "read_count",
                "batch_count",
                "mapping_count",
                "table_count",
                "delivery_count",
                "message_count",
            ),
            *("byte_count", "body_bytes", "seconds", "delay_seconds", "drain_seconds", "priority", "port", "pid"),
            *("exit_code", "status", "prefetch", "concurrency", "migration_number"),
        ),
        Kind.NUMBER,
    ),
    **dict.fromkeys(("redelivered", "ready"), Kind.FLAG),
    "counts": Kind.NUMBERS,
}
"""Every field that may be logged, and what it may hold. A new one is one more word here."""

_WORD = re.compile(r"[A-Za-z0-9_.:/+-]{1,64}")
_LONGEST_NAME = 128


def admit(kind: Kind, value: object) -> str | int | float | bool | dict[str, int] | None:
    """The value as it may be logged, None when it is not of its kind."""
    match kind:
        case Kind.ID:
            return str(value) if isinstance(value, UUID) else None
        case Kind.NAME:
            fits = isinstance(value, str) and len(value) <= _LONGEST_NAME and value.isprintable()
            return str(value) if fits else None
        case Kind.WORD:
            return str(value) if isinstance(value, str) and _WORD.fullmatch(value) else None
        case Kind.FLAG:
            return value if isinstance(value, bool) else None
        case Kind.NUMBER:
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
        case Kind.NUMBERS:
            return _numbers(value)


def _numbers(value: object) -> dict[str, int] | None:
    if not isinstance(value, dict):
        return None
    return {
        str(word): count
        for word, count in value.items()
        if isinstance(word, str) and _WORD.fullmatch(word) and isinstance(count, int)
    }
