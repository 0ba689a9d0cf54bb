r"""Keys are computed, never looked up: the reference, in plain Python, of what the transformer computes in bulk.

A key's name is `domain:part|part`, with `\` and `|` inside a part escaped by `\`; its UUID is version 5 of RFC 9562
under the plan's namespace, or version 8, ordered by the one integer that the key is. Parts are canonical texts, by
form (`shared.plan.keys.CanonicalForm`), so that every spelling of one legacy key gives one UUID, for ever.
Golden vectors: `tests/contract/keys.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from uuid import UUID

BEFORE_CHRIST = " BC"
MOST_ORDERED = 2**48 - 1
"""The highest integer that an ordered key may be; the lowest is 0."""
ORDERED_MARK = "\x01"
"""What stands before the name of an ordered key until it is hashed. No key domain has control characters."""
_ORDERED_BYTES = 6


def key_uuid(namespace: UUID, name: str) -> UUID:
    """UUID version 5 (RFC 9562, section 5.5) of a name."""
    digest = bytearray(hashlib.sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))


def ordered_key_uuid(namespace: UUID, name: str, key: int) -> UUID:
    """UUID version 8 (RFC 9562, section 5.8) of the name whose one part is the integer `key`.

    The first 48 bits are `key`; the leading 80 bits of the SHA-1 that version 5 takes follow, version and variant
    put over six of them. A `key` outside 0 to 2**48 - 1 gives version 5: a row that has it is refused, and what refers
    to that row finds it among the refused ones.
    """
    if not 0 <= key <= MOST_ORDERED:
        return key_uuid(namespace, name)
    digest = hashlib.sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()
    whole = bytearray(key.to_bytes(_ORDERED_BYTES, "big") + digest[: 16 - _ORDERED_BYTES])
    whole[6] = whole[6] & 0x0F | 0x80
    whole[8] = whole[8] & 0x3F | 0x80
    return UUID(bytes=bytes(whole))


def key_name(domain: str, parts: Iterable[str]) -> str:
    """The name that is hashed: `domain:part|part`. Parts are canonical texts."""
    return f"{domain}:{legacy_key(parts)}"


def legacy_key(parts: Iterable[str]) -> str:
    """The parts of a key as one text, the name without its domain."""
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)


def key_parts(legacy: str) -> tuple[str, ...]:
    """The parts of a key that `legacy_key` wrote as one text."""
    parts, escaped = [""], False
    for character in legacy:
        if escaped or character not in "\\|":
            parts[-1] += character
            escaped = False
        elif character == "|":
            parts.append("")
        else:
            escaped = True
    return tuple(parts)


def content_part(columns: Iterable[str | None]) -> str:
    """What stands for a row without identity: SHA-1 in hex of its columns' texts, each behind its size in bytes."""
    framed = (b"-" if text is None else b"%d:%b" % (len(text.encode()), text.encode()) for text in columns)
    return hashlib.sha1(b",".join(framed), usedforsecurity=False).hexdigest()


def canonical_text(form: str, text: str) -> str:
    """One part as it is hashed; `text` is PostgreSQL's, dates ISO, in UTC. Raises ValueError for another form."""
    match form:
        case "integer":
            return str(int(text))
        case "numeric":
            return _numeric(text)
        case "text" | "opaque" | "time" | "date":
            return text
        case "padded":
            return text.rstrip(" ")
        case "caseless":
            return "".join(_lower(character) for character in text)
        case "boolean":
            return {"t": "true", "f": "false"}.get(text, text)
        case "uuid":
            return str(UUID(text))
        case "timestamp":
            return text.replace(" ", "T", 1) if text[0].isdigit() else text
        case "timestamptz":
            return _zoned(text)
    raise ValueError(f"{form} is no canonical form")


def _numeric(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _lower(character: str) -> str:
    """The simple mapping, one character to one: the same text in every implementation."""
    lowered = character.lower()
    return lowered if len(lowered) == 1 else lowered[0]


def _zoned(text: str) -> str:
    if not text[0].isdigit():
        return text
    era = BEFORE_CHRIST if text.endswith(BEFORE_CHRIST) else ""
    moment = text.removesuffix(BEFORE_CHRIST).removesuffix("+00")
    return moment.replace(" ", "T", 1) + "Z" + era
