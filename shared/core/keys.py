r"""Keys are computed, never looked up: the reference, in plain Python, of what the transformer computes in bulk.

A key's name is `domain:part|part`, with `\` and `|` inside a part escaped by `\`; its UUID is version 5 of RFC 9562
under the plan's namespace. Parts are canonical texts, by form (`shared.plan.keys.CanonicalForm`), so that every
spelling of one legacy key gives one UUID, for ever. Golden vectors: `tests/contract/keys.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from uuid import UUID

BEFORE_CHRIST = " BC"


def key_uuid(namespace: UUID, name: str) -> UUID:
    """UUID version 5 (RFC 9562, section 5.5) of a name."""
    digest = bytearray(hashlib.sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))


def key_name(domain: str, parts: Iterable[str]) -> str:
    """The name that is hashed: `domain:part|part`. Parts are canonical texts."""
    return f"{domain}:{legacy_key(parts)}"


def legacy_key(parts: Iterable[str]) -> str:
    """The parts of a key as one text, the name without its domain."""
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)


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
