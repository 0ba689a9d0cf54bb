"""What the keyring promises: rotation without downtime, and a data key bound to its run."""

from __future__ import annotations

import base64
import hashlib
import os
import pickle
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import KeyNotListed, SealBroken
from shared.crypto.keyring import Keyring, KeyringInvalid

RUN = UUID("6f1fca6b-9f4a-4a6e-8a53-0d8d9f6c2a11")
OLD, NEW = bytes(range(32)), bytes(range(100, 132))
DATA_KEY = bytes(range(200, 232))

keys = st.binary(min_size=32, max_size=32)


@given(
    keys=st.lists(keys, min_size=1, max_size=4, unique=True), form=st.sampled_from(["hex", "base64", "urlsafe", "bare"])
)
def test_a_list_of_keys_is_read_in_hex_and_in_base64(keys: list[bytes], form: str) -> None:
    ring = Keyring.from_setting(" , ".join(_text(key, form) for key in keys))
    assert ring.key_ids == tuple(hashlib.sha256(key).hexdigest()[:8] for key in keys)


@pytest.mark.parametrize(
    "text",
    (
        "",
        "  ",
        ",",
        OLD.hex() + ",",
        "not a key",
        OLD.hex()[:-2],
        "zz" * 32,
        OLD.hex() + "," + OLD.hex(),
        base64.b64encode(OLD[:16]).decode(),
    ),
)
def test_a_bad_list_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(KeyringInvalid) as caught:
        Keyring.from_setting(text)
    assert not text.strip(", ") or text not in str(caught.value)


@given(key=keys, data_key=keys, run=st.uuids())
def test_a_wrapped_key_comes_back(key: bytes, data_key: bytes, run: UUID) -> None:
    ring = Keyring([key])
    assert ring.unwrap(ring.wrap(data_key, run), run) == data_key


def test_a_wrapped_key_belongs_to_its_run() -> None:
    ring = Keyring([NEW])
    with pytest.raises(SealBroken):
        ring.unwrap(ring.wrap(DATA_KEY, RUN), uuid4())


@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_single_changed_bit_anywhere_is_noticed(place: int, bit: int) -> None:
    ring = Keyring([NEW, OLD])
    wrapped = bytearray(ring.wrap(DATA_KEY, RUN))
    wrapped[place % len(wrapped)] ^= 1 << bit
    with pytest.raises(SealBroken):
        ring.unwrap(bytes(wrapped), RUN)


@pytest.mark.parametrize("wrapped", (b"", b"\x01", b"\x09" + bytes(80)))
def test_bytes_that_were_never_wrapped_are_a_broken_seal(wrapped: bytes) -> None:
    with pytest.raises(SealBroken):
        Keyring([NEW]).unwrap(wrapped, RUN)


def test_rotation_unwraps_with_any_listed_key_and_wraps_with_the_newest() -> None:
    before, during = Keyring([OLD]), Keyring([NEW, OLD])
    wrapped = before.wrap(DATA_KEY, RUN)
    assert during.unwrap(wrapped, RUN) == DATA_KEY
    assert during.wrapped_by(wrapped) == before.key_ids[0]
    assert during.wrapped_by(during.wrap(DATA_KEY, RUN)) == during.key_ids[0]


def test_after_rewrapping_the_old_key_can_go() -> None:
    during, after = Keyring([NEW, OLD]), Keyring([NEW])
    wrapped = during.rewrap(Keyring([OLD]).wrap(DATA_KEY, RUN), RUN)
    assert after.unwrap(wrapped, RUN) == DATA_KEY
    assert after.rewrap(wrapped, RUN) == wrapped


def test_a_retired_key_is_named_by_its_id() -> None:
    wrapped = Keyring([OLD]).wrap(DATA_KEY, RUN)
    with pytest.raises(KeyNotListed, match=hashlib.sha256(OLD).hexdigest()[:8]):
        Keyring([NEW]).unwrap(wrapped, RUN)


def test_a_keyring_shows_ids_and_no_keys() -> None:
    ring = Keyring([b"supersecretkeysupersecretkey1234"])
    assert "secret" not in repr(ring)
    assert ring.key_ids[0] in repr(ring)
    with pytest.raises(TypeError):
        pickle.dumps(ring)


def test_the_data_key_is_not_readable_in_its_wrapping() -> None:
    data_key = os.urandom(32)
    assert data_key not in Keyring([NEW]).wrap(data_key, RUN)


def _text(key: bytes, form: str) -> str:
    match form:
        case "hex":
            return key.hex()
        case "base64":
            return base64.b64encode(key).decode()
        case "urlsafe":
            return base64.urlsafe_b64encode(key).decode()
        case _:
            return base64.b64encode(key).decode().rstrip("=")
