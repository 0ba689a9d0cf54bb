"""The key-encryption keys: a short list, newest first, that wraps the data key of every run."""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from typing import Self, final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.core.errors import KeyNotListed, SealBroken

__all__ = ["KEY_BYTES", "Keyring", "KeyringInvalid"]

KEY_BYTES = 32
"""Size of a key-encryption key."""

_VERSION = b"\x01"
_ID_BYTES = 4
_NONCE_BYTES = 12
_HEADER_BYTES = len(_VERSION) + _ID_BYTES + _NONCE_BYTES
_TAG_BYTES = 16


class KeyringInvalid(ValueError):
    """The text is not a comma separated list of base64 or hex 32-byte keys."""


@final
class Keyring:
    """Wraps data keys with the newest key and unwraps them with any listed one.

    A key's id is the first 8 hex digits of its SHA-256; a wrapped key carries it, so rotation is a matter of
    putting a new key in front, calling `rewrap` for what is stored, and dropping the old key. A wrapped key is bound to
    its run.
    """

    __slots__ = ("_ids", "_keys")

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take 32-byte keys, newest first; `KeyringInvalid` for none, a repeated or a wrong one."""
        if not keys:
            message = "no key is listed"
            raise KeyringInvalid(message)
        for place, key in enumerate(keys, start=1):
            if len(key) != KEY_BYTES:
                message = f"key {place} has {len(key)} bytes instead of {KEY_BYTES}"
                raise KeyringInvalid(message)
        self._ids = tuple(hashlib.sha256(key).digest()[:_ID_BYTES] for key in keys)
        if len(set(self._ids)) != len(keys):
            message = "a key is listed twice"
            raise KeyringInvalid(message)
        self._keys = {key_id: AESGCM(key) for key_id, key in zip(self._ids, keys, strict=True)}

    @classmethod
    def from_setting(cls, text: str) -> Self:
        """Read `ENCRYPTION_KEY`: comma separated base64 (either alphabet) or hex keys of 32 bytes, newest first.

        Raises `KeyringInvalid`, whose text names the place of the bad key and never a part of it.
        """
        items = [item.strip() for item in text.split(",")]
        if items == [""]:
            items = []
        return cls([_key(place, item) for place, item in enumerate(items, start=1)])

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the listed keys, newest first, 8 hex digits each."""
        return tuple(key_id.hex() for key_id in self._ids)

    def wrap(self, data_key: bytes, run_id: UUID) -> bytes:
        """Encrypt a run's data key with the newest key: version, key id, nonce, cipher text and tag."""
        key_id, nonce = self._ids[0], os.urandom(_NONCE_BYTES)
        header = _VERSION + key_id
        return header + nonce + self._keys[key_id].encrypt(nonce, data_key, _aad(header, run_id))

    def unwrap(self, wrapped: bytes, run_id: UUID) -> bytes:
        """Give back the data key of `run_id`.

        Raises `KeyNotListed` when the key that wrapped it is not in the list, `SealBroken` when the bytes were
        altered, are of an unknown version or belong to another run.
        """
        header, nonce, cipher_text = _split(wrapped)
        cipher = self._keys.get(header[len(_VERSION) :])
        if cipher is None:
            message = f"the data key was wrapped by key {header[len(_VERSION) :].hex()}, which is not listed"
            raise KeyNotListed(message)
        try:
            return cipher.decrypt(nonce, cipher_text, _aad(header, run_id))
        except InvalidTag as error:
            reason = "the wrapped data key does not fit its run"
            raise SealBroken(reason) from error

    def rewrap(self, wrapped: bytes, run_id: UUID) -> bytes:
        """Wrap a stored data key with the newest key; unchanged when the newest key wrapped it already."""
        data_key = self.unwrap(wrapped, run_id)
        return wrapped if self.wrapped_by(wrapped) == self.key_ids[0] else self.wrap(data_key, run_id)

    def wrapped_by(self, wrapped: bytes) -> str:
        """The id of the key that wrapped these bytes, 8 hex digits, whether it is listed or not."""
        header, _nonce, _cipher_text = _split(wrapped)
        return header[len(_VERSION) :].hex()

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.key_ids)})"

    def __reduce__(self) -> str:
        message = "a Keyring is not pickled"
        raise TypeError(message)


def _split(wrapped: bytes) -> tuple[bytes, bytes, bytes]:
    if len(wrapped) < _HEADER_BYTES + _TAG_BYTES:
        reason = "the wrapped data key is too short"
        raise SealBroken(reason)
    if wrapped[:1] != _VERSION:
        reason = "the wrapped data key has an unknown version"
        raise SealBroken(reason)
    header_end = len(_VERSION) + _ID_BYTES
    return wrapped[:header_end], wrapped[header_end:_HEADER_BYTES], wrapped[_HEADER_BYTES:]


def _aad(header: bytes, run_id: UUID) -> bytes:
    return b"transfuse run key" + header + run_id.bytes


def _key(place: int, item: str) -> bytes:
    """Decode one listed key: 64 hex digits, else base64 with or without its padding."""
    if len(item) == 2 * KEY_BYTES:
        try:
            return bytes.fromhex(item)
        except ValueError:
            pass
    plain = item.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        message = f"key {place} is neither hex nor base64"
    raise KeyringInvalid(message)
