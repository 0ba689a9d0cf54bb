"""How messages become bytes: MessagePack of the closed union, the type and its version beside the body."""

from __future__ import annotations

from typing import Final, get_args

import msgspec

from shared.core.errors import BatchError, MessageUnreadable
from shared.messages import BatchSettled, LoadBatch, Message, TransformBatch

CONTENT_TYPE: Final = "application/msgpack"
"""Content type of every encoded message."""
MAX_MESSAGE_BYTES: Final = 12 * 1024 * 1024
"""Largest encoded message. RabbitMQ 4 ends at 16 MiB; a sealed body above 8 MiB is kept in the ledger instead."""

_encoder = msgspec.msgpack.Encoder()
_TYPES: Final[dict[str, type]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Message)}
_decoders: Final[dict[str, msgspec.msgpack.Decoder[Message]]] = {
    tag: msgspec.msgpack.Decoder(kind) for tag, kind in _TYPES.items()
}
TAGS: Final = tuple(sorted(_TYPES))
"""The type of every message, with its version: `extract-batch.v1`."""


def tag_of(message: Message) -> str:
    """The message's type with its version, as it travels beside the body."""
    return str(message.__struct_config__.tag)


def encode(message: Message) -> bytes:
    """The message's body. Raises BatchError (`message_too_large`) above MAX_MESSAGE_BYTES."""
    body = _encoder.encode(message)
    if len(body) > MAX_MESSAGE_BYTES:
        raise BatchError(
            f"a message of {len(body)} bytes ({tag_of(message)}) is above the limit of {MAX_MESSAGE_BYTES}",
            code="message_too_large",
            remedy="Lower batchSize: a row of this mapping is far larger than the average.",
        )
    return body


def decode(tag: str | None, body: bytes) -> Message:
    """The message that `encode` made, given the type that came beside it.

    Raises MessageUnreadable for an unknown type, a body that is not of that type or is above MAX_MESSAGE_BYTES. The
    text names the type only if it is one of ours.
    """
    decoder = _decoders.get(tag or "")
    if decoder is None:
        raise MessageUnreadable("a message has a type or version that this service does not know")
    if len(body) > MAX_MESSAGE_BYTES:
        raise MessageUnreadable(f"a message ({tag}) of {len(body)} bytes is above the limit of {MAX_MESSAGE_BYTES}")
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MessageUnreadable(f"the body of a message ({tag}) does not decode") from error


def size_of(message: Message) -> int:
    """About the bytes that the message takes on the bus: its body, and a constant for the rest."""
    return _FIELDS_BYTES + len(getattr(message, "body", b""))


def rows_of(message: Message) -> int:
    """The rows that the message carries, or tells the settlement of; 0 for every other one."""
    match message:
        case TransformBatch(row_count=count) | LoadBatch(row_count=count):
            return count
        case BatchSettled(counts=counts):
            return counts.read
        case _:
            return 0


_FIELDS_BYTES: Final = 256
