"""The envelope of every body, manifest and quarantined row: zstd level 1, then AES-256-GCM.

Layout: one version byte, 12 random bytes of nonce, then cipher text and its 16-byte tag. The version byte is
authenticated together with the caller's additional data. The nonce is random: one data key serves one run, far below
the 2**32 messages to which random 96-bit nonces are limited.
"""

import os
from typing import Self, final

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.core.errors import SealBroken

__all__ = ["DATA_KEY_BYTES", "MAX_PLAIN_BYTES", "SEAL_OVERHEAD_BYTES", "RunKey"]

DATA_KEY_BYTES = 32
"""Size of a run's data key."""
MAX_PLAIN_BYTES = 64 * 1024 * 1024
"""The largest plain body `RunKey.open_` unpacks unless told otherwise."""

_ZSTD_AES256GCM = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
SEAL_OVERHEAD_BYTES = len(_ZSTD_AES256GCM) + _NONCE_BYTES + _TAG_BYTES
"""What a seal adds to the compressed body."""
_LEVEL = 1


@final
class RunKey:
    """One run's 32-byte data key, able to seal and open that run's bodies.

    Safe to use from several threads at once. Neither `repr` nor pickling gives the key away.
    """

    __slots__ = ("_cipher", "_data_key")

    def __init__(self, data_key: bytes) -> None:
        """Take the 32 bytes of a data key; `ValueError` for any other length."""
        if len(data_key) != DATA_KEY_BYTES:
            message = f"a data key has {DATA_KEY_BYTES} bytes, not {len(data_key)}"
            raise ValueError(message)
        self._data_key = bytes(data_key)
        self._cipher = AESGCM(self._data_key)

    @classmethod
    def generate(cls) -> Self:
        """Make the key of a new run from the system's random source."""
        return cls(os.urandom(DATA_KEY_BYTES))

    @property
    def data_key(self) -> bytes:
        """The 32 bytes, to be wrapped by the keyring and kept nowhere else."""
        return self._data_key

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """Compress and encrypt `plain`, bound to `aad` (see `shared.crypto.aad`)."""
        nonce = os.urandom(_NONCE_BYTES)
        packed = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(plain)
        return b"".join((_ZSTD_AES256GCM, nonce, self._cipher.encrypt(nonce, packed, _ZSTD_AES256GCM + aad)))

    def open_(self, sealed: bytes, aad: bytes, *, max_plain_bytes: int = MAX_PLAIN_BYTES) -> bytes:
        """Decrypt and unpack what `seal` made for the same `aad`.

        Raises `SealBroken` when the bytes were altered, sealed under another key or for another place, have an
        unknown version, or would unpack to more than `max_plain_bytes`.
        """
        if len(sealed) < SEAL_OVERHEAD_BYTES:
            reason = "the sealed body is too short"
            raise SealBroken(reason)
        version, rest = sealed[:1], memoryview(sealed)[1:]
        if version != _ZSTD_AES256GCM:
            reason = "the sealed body has an unknown version"
            raise SealBroken(reason)
        try:
            packed = self._cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], version + aad)
        except InvalidTag as error:
            reason = "the seal does not fit its key or its place"
            raise SealBroken(reason) from error
        return _unpack(packed, max_plain_bytes)

    def __repr__(self) -> str:
        return "RunKey(…)"

    def __reduce__(self) -> str:
        message = "a RunKey is not pickled"
        raise TypeError(message)


def _unpack(packed: bytes, max_plain_bytes: int) -> bytes:
    """Unpack one zstd frame of a declared size, so that memory is bounded before a byte is written."""
    try:
        plain_bytes = zstandard.frame_content_size(packed)
        if not 0 <= plain_bytes <= max_plain_bytes:
            reason = f"the sealed body does not declare a size up to {max_plain_bytes} bytes"
            raise SealBroken(reason)
        return zstandard.ZstdDecompressor().decompress(packed, allow_extra_data=False)
    except zstandard.ZstdError as error:
        reason = "the sealed body does not unpack"
        raise SealBroken(reason) from error
