"""What the envelope promises: only the right key in the right place opens it, and memory stays bounded."""

from __future__ import annotations

import os
import pickle

import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import SealBroken
from shared.crypto.envelope import SEAL_OVERHEAD_BYTES, RunKey

KEY = RunKey(bytes(range(32)))


@given(plain=st.binary(max_size=5000), aad=st.binary(max_size=100))
def test_what_was_sealed_opens_to_the_same_bytes(plain: bytes, aad: bytes) -> None:
    assert KEY.open_(KEY.seal(plain, aad), aad) == plain


@given(plain=st.binary(max_size=200), place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_single_changed_bit_anywhere_breaks_the_seal(plain: bytes, place: int, bit: int) -> None:
    sealed = bytearray(KEY.seal(plain, b"here"))
    sealed[place % len(sealed)] ^= 1 << bit
    with pytest.raises(SealBroken):
        KEY.open_(bytes(sealed), b"here")


@given(plain=st.binary(max_size=200), cut=st.integers(min_value=1))
def test_a_shortened_body_breaks_the_seal(plain: bytes, cut: int) -> None:
    sealed = KEY.seal(plain, b"here")
    with pytest.raises(SealBroken):
        KEY.open_(sealed[: -(1 + cut % len(sealed))], b"here")


@given(right=st.binary(max_size=60), wrong=st.binary(max_size=60))
def test_a_body_opens_only_in_its_own_place(right: bytes, wrong: bytes) -> None:
    sealed = KEY.seal(b"rows", right)
    if right == wrong:
        assert KEY.open_(sealed, wrong) == b"rows"
        return
    with pytest.raises(SealBroken):
        KEY.open_(sealed, wrong)


def test_another_runs_key_does_not_open_it() -> None:
    with pytest.raises(SealBroken):
        RunKey.generate().open_(KEY.seal(b"rows", b"here"), b"here")


def test_two_seals_of_the_same_body_differ() -> None:
    assert KEY.seal(b"rows", b"here") != KEY.seal(b"rows", b"here")


def test_a_compressible_body_shrinks() -> None:
    plain = b"1,Anna,2001-02-03\n" * 10_000
    assert len(KEY.seal(plain, b"")) < len(plain) // 20 + SEAL_OVERHEAD_BYTES


def test_a_body_beyond_the_bound_is_not_unpacked() -> None:
    sealed = KEY.seal(bytes(10_001), b"here")
    assert len(KEY.open_(sealed, b"here", max_plain_bytes=10_001)) == 10_001
    with pytest.raises(SealBroken):
        KEY.open_(sealed, b"here", max_plain_bytes=10_000)


def test_a_body_that_hides_its_size_is_not_unpacked() -> None:
    packed = zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 1000)
    with pytest.raises(SealBroken):
        KEY.open_(_sealed_by_hand(packed), b"here")


def test_bytes_that_are_no_zstd_frame_are_a_broken_seal() -> None:
    with pytest.raises(SealBroken):
        KEY.open_(_sealed_by_hand(b"no frame at all"), b"here")


def test_an_unknown_version_is_a_broken_seal() -> None:
    sealed = KEY.seal(b"rows", b"here")
    with pytest.raises(SealBroken, match="version"):
        KEY.open_(b"\x02" + sealed[1:], b"here")


@pytest.mark.parametrize("size", (0, 16, 31, 33))
def test_a_data_key_has_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        RunKey(bytes(size))


def test_a_key_shows_itself_nowhere() -> None:
    key = RunKey(b"supersecretkeysupersecretkey1234")
    assert "secret" not in repr(key)
    assert "secret" not in str(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_generated_keys_differ() -> None:
    assert RunKey.generate().data_key != RunKey.generate().data_key


def _sealed_by_hand(packed: bytes) -> bytes:
    nonce = os.urandom(12)
    return b"\x01" + nonce + AESGCM(KEY.data_key).encrypt(nonce, packed, b"\x01here")
