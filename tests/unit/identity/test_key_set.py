"""Public keys: which are taken, when they are fetched, and what stays when they cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.identity.identity import TokenRefused
from shared.identity.key_set import FRESH_SECONDS, PAUSE_SECONDS, KeySet, KeysUnavailable, open_key_set, usable
from shared.settings.secret import Secret
from tests.harness.key_server import PATH, KeyServer, elliptic_key, key_server, public_jwk, rsa_key

ONE, TWO = elliptic_key(), elliptic_key()


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    async with key_server() as found:
        found.keys = [public_jwk(ONE, "one")]
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(server: KeyServer, clock: Clock) -> AsyncIterator[KeySet]:
    async with open_key_set(Secret(server.url + PATH), clock=clock) as found:
        yield found


async def refused(keys: KeySet, kid: str) -> str:
    with pytest.raises(TokenRefused) as error:
        await keys.find(kid)
    return error.value.code


async def test_a_set_is_fetched_once_for_all_who_come_at_the_same_time_and_used_for_ten_minutes(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    found = await asyncio.gather(*(keys.find("one") for _ in range(50)))
    assert {key.algorithm for key in found} == {"ES256"}
    clock.now += FRESH_SECONDS - 1
    await keys.find("one")
    assert server.paths == [PATH]
    clock.now += 2
    await keys.find("one")
    assert len(server.paths) == 2


async def test_a_new_key_is_fetched_at_its_first_token(keys: KeySet, server: KeyServer) -> None:
    await keys.find("one")
    server.keys = [public_jwk(ONE, "one"), public_jwk(TWO, "two")]
    assert (await keys.find("two")).algorithm == "ES256"
    assert len(server.paths) == 2


async def test_a_flood_of_unknown_keys_fetches_once_in_half_a_minute(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    await keys.find("one")
    for window in range(1, 4):
        codes = await asyncio.gather(*(refused(keys, f"unknown-{number}") for number in range(100)))
        assert set(codes) == {"unknown_key"}
        assert len(server.paths) == 1 + window
        clock.now += PAUSE_SECONDS - 1
        await refused(keys, "unknown")
        assert len(server.paths) == 1 + window
        clock.now += 1.5


async def test_the_last_good_set_stays_when_the_address_fails(keys: KeySet, server: KeyServer, clock: Clock) -> None:
    await keys.find("one")
    for failure in (
        {"status": 500},
        {"status": 302, "location": "/elsewhere"},
        {"body": b"{"},
        {"body": b"x" * 100_000},
    ):
        server.status, server.location, server.body = 200, "", None
        for name, value in failure.items():
            setattr(server, name, value)
        clock.now += FRESH_SECONDS + 1
        before = len(server.paths)
        assert (await keys.find("one")).algorithm == "ES256"
        assert server.paths[before:] == [PATH], "one request, and no redirect is followed"
        clock.now += PAUSE_SECONDS - 1
        await keys.find("one")
        assert len(server.paths) == before + 1, "a failed fetch is tried again at once"


async def test_without_any_set_nobody_is_let_in_until_the_address_answers(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    server.status = 503
    with pytest.raises(KeysUnavailable):
        await keys.find("one")
    server.status = 200
    clock.now += 3
    assert (await keys.find("one")).algorithm == "ES256"


async def test_a_key_that_was_taken_away_is_refused_after_the_next_fetch(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    await keys.find("one")
    server.keys = []
    clock.now += FRESH_SECONDS + 1
    assert await refused(keys, "one") == "unknown_key"


@pytest.mark.parametrize("kid", ("", "x" * 500))
async def test_a_token_that_names_no_key_fetches_nothing(keys: KeySet, server: KeyServer, kid: str) -> None:
    assert await refused(keys, kid) == "unknown_key"
    assert server.paths == []


async def test_what_a_token_names_never_becomes_part_of_an_address(keys: KeySet, server: KeyServer) -> None:
    await refused(keys, "../../etc/passwd?x=http://127.0.0.1/")
    assert set(server.paths) == {PATH}


def test_only_public_signature_keys_of_our_algorithms_are_taken() -> None:
    small, good = rsa_key(1024), rsa_key()
    found = usable(
        [
            public_jwk(ONE, "elliptic"),
            public_jwk(good, "rsa", alg="RS256"),
            public_jwk(good, "operations", key_ops=["verify"]),
            public_jwk(good, "encryption", use="enc"),
            public_jwk(good, "other algorithm", alg="PS256"),
            public_jwk(good, "to sign", key_ops=["sign"]),
            public_jwk(small, "small"),
            public_jwk(ONE, "other curve", crv="P-384"),
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "HS256"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": 1, "kid": "broken"},
            {"kid": "nothing"},
            {**public_jwk(ONE, ""), "kid": None},
        ]
    )
    assert {kid: key.algorithm for kid, key in found.items()} == {
        "elliptic": "ES256", "rsa": "RS256", "operations": "RS256",
    }  # fmt: skip
