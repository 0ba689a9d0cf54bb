"""Writes `keys.json`: golden vectors of keys, by Python's own uuid.uuid5; those of version 8 bit by bit, as written.

Run by hand; a change of a vector breaks every database that was migrated.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path

NAMESPACE = uuid.UUID("8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10")
VECTORS = (
    ("integer", ["10771"], ["10771"]),
    ("integer", ["-5"], ["-5"]),
    ("numeric", ["1.50"], ["1.5"]),
    ("numeric", ["10.00"], ["10"]),
    ("numeric", ["100"], ["100"]),
    ("numeric", ["0.00"], ["0"]),
    ("text", [""], [""]),
    ("text", ["a|b\\c"], ["a\\|b\\\\c"]),
    ("text", ["Łódź 日本"], ["Łódź 日本"]),
    ("text", ["a", "b"], ["a", "b"]),
    ("text", ["a|", "b"], ["a\\|", "b"]),
    ("text", ["a", "|b"], ["a", "\\|b"]),
    ("padded", ["ab  "], ["ab"]),
    ("caseless", ["Ann@Example.COM"], ["ann@example.com"]),
    ("caseless", ["ΑΣ"], ["ας".replace("ς", "σ")]),
    ("boolean", ["t"], ["true"]),
    ("boolean", ["f"], ["false"]),
    ("date", ["2024-02-29"], ["2024-02-29"]),
    ("date", ["0044-03-15 BC"], ["0044-03-15 BC"]),
    ("time", ["10:11:12.5"], ["10:11:12.5"]),
    ("timestamp", ["2024-02-29 10:11:12.5"], ["2024-02-29T10:11:12.5"]),
    ("timestamp", ["0044-03-15 10:11:12 BC"], ["0044-03-15T10:11:12 BC"]),
    ("timestamp", ["infinity"], ["infinity"]),
    ("timestamptz", ["2024-02-29 10:11:12+00"], ["2024-02-29T10:11:12Z"]),
    ("timestamptz", ["0044-03-15 10:11:12+00 BC"], ["0044-03-15T10:11:12Z BC"]),
    ("uuid", ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"], ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ("opaque", ["\\xdeadbeef"], ["\\\\xdeadbeef"]),
)

ORDERED = (0, 1, 9, 255, 10771, 2**31 - 1, 2**32, 2**47, 2**48 - 1)


def uuid8(name: str, key: int) -> uuid.UUID:
    """48 bits of the key, 4 of the version, 12 of the SHA-1, 2 of the variant, 62 of the SHA-1 (4 to 15, 18 to 79)."""
    digest = int.from_bytes(hashlib.sha1(NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest(), "big")
    bits = f"{digest:0160b}"
    return uuid.UUID(int=int(f"{key:048b}" + "1000" + bits[4:16] + "10" + bits[18:80], 2))


def ordered_vectors() -> list[dict[str, object]]:
    """Keys that are one integer, under `keys: uuid8`."""
    return [{"key": key, "name": (name := f"people:{key}"), "uuid": str(uuid8(name, key))} for key in ORDERED]


def vectors() -> list[dict[str, object]]:
    """Each with the form, the parts as PostgreSQL writes them, the name and the UUID."""
    return [
        {
            "form": form,
            "parts": parts,
            "name": (name := "people:" + "|".join(escaped)),
            "uuid": str(uuid.uuid5(NAMESPACE, name)),
        }
        for form, parts, escaped in VECTORS
    ]


if __name__ == "__main__":
    document = {"namespace": str(NAMESPACE), "domain": "people", "vectors": vectors(), "uuid8": ordered_vectors()}
    Path(__file__).with_name("keys.json").write_text(
        json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
