"""Passwords: what is taken, how it is kept, and how many are hashed at once."""

from __future__ import annotations

import asyncio
import threading

import pytest
from argon2 import PasswordHasher

from shared.core.errors import Refused
from shared.identity.passwords import AT_ONCE, HASHER, MOST_WAITING, Passwords, SignInBusy, checked

EMAIL = "someone@example.org"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Counting(PasswordHasher):
    """A hasher that holds until it is let go on, and counts how many are at it."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.at_it = self.most = 0
        self.full = threading.Event()
        self.go = threading.Event()
        self.lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self.lock:
            self.at_it += 1
            self.most = max(self.most, self.at_it)
            if self.at_it == AT_ONCE:
                self.full.set()
        self.go.wait(30)
        with self.lock:
            self.at_it -= 1
        return super().hash(password, salt=salt)


async def test_no_more_than_two_are_hashed_at_once_and_a_crowd_is_turned_away() -> None:
    hasher = Counting()
    passwords = Passwords(hasher)
    async with asyncio.TaskGroup() as tasks:
        crowd = [tasks.create_task(passwords.hashed("correct horse battery", email=EMAIL)) for _ in range(MOST_WAITING)]
        await asyncio.to_thread(hasher.full.wait, 30)
        with pytest.raises(SignInBusy):
            await passwords.hashed("correct horse battery", email=EMAIL)
        hasher.go.set()
    assert hasher.most == AT_ONCE
    assert len({task.result() for task in crowd}) == MOST_WAITING


async def test_a_password_matches_itself_only_and_nobody_has_one() -> None:
    passwords = Passwords(QUICK)
    kept = await passwords.hashed("correct horse battery", email=EMAIL)
    assert kept.startswith("$argon2id$")
    assert await passwords.matches(kept, "correct horse battery")
    for wrong in ("correct horse", "Correct horse battery", "", "x" * 10_000):
        assert not await passwords.matches(kept, wrong)
    for nothing in (None, "", "no hash at all"):
        assert not await passwords.matches(nothing, "nobody's password")


async def test_for_an_account_that_is_not_there_a_hash_is_verified_all_the_same() -> None:
    verified = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override] # noqa: A002 - its own name
            verified.append(hash)
            return True

    assert not await Passwords(Watched(time_cost=1, memory_cost=8, parallelism=1)).matches(None, "anything")
    assert len(verified) == 1


async def test_a_hash_of_other_parameters_is_outdated() -> None:
    kept = await Passwords(QUICK).hashed("correct horse battery", email=EMAIL)
    assert Passwords().is_outdated(kept)
    assert not Passwords(QUICK).is_outdated(kept)


def test_the_parameters_are_of_a_class_that_is_known_to_hold() -> None:
    assert (HASHER.type.name, HASHER.memory_cost, HASHER.time_cost, HASHER.parallelism) == ("ID", 47_104, 1, 1)


@pytest.mark.parametrize(
    "password", ("", "short", "x" * 11, "x" * 257, EMAIL, EMAIL.upper(), "ﬃ" * 200, "SOMEONE＠example.org")
)
def test_a_weak_password_is_refused_without_being_repeated(password: str) -> None:
    with pytest.raises(Refused) as refused:
        checked(password, email=EMAIL)
    assert refused.value.code == "weak_password"
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize("password", ("x" * 12, "x" * 256, "correct horse battery", "пароль из слов"))
def test_a_long_password_is_taken_whatever_it_is_made_of(password: str) -> None:
    assert checked(password, email=EMAIL) == password
