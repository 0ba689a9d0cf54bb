"""Cursors: where a list goes on, as a word that callers hand back and do not read."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from services.gateway.api.problems import bad_request

T = TypeVar("T")


def cursor_of(place: object) -> str:
    """The word for a place: a Struct of JSON values."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def place_of(cursor: str, wanted: type[T]) -> T:
    """The place of a word that `cursor_of` made. Raises ApiError 400 for any other."""
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(content, type=wanted)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise bad_request(
            "The cursor is none of ours.", code="bad_cursor", remedy="Start from the beginning of the list."
        ) from error
