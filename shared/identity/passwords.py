"""Passwords of local accounts: what one must be, and how it is kept."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from shared.core.errors import Refused, WorldError

T = TypeVar("T")

SHORTEST, LONGEST = 12, 256
"""Characters of a password."""
AT_ONCE = 2
"""Hashes made at the same time: each takes 46 MiB and a processor."""
MOST_WAITING = 32

HASHER: Final = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)
"""argon2id with 46 MiB and one pass, a setting of OWASP's Password Storage Cheat Sheet: about 50 ms. A hash of other
parameters is replaced at the next sign-in."""


class SignInBusy(WorldError):
    """More passwords wait to be verified than can be in a short time."""

    code = "busy"
    remedy = "Try again in a moment."


def checked(password: str, *, email: str) -> str:
    """The password as it is kept, in NFKC: the same characters typed on another keyboard are the same password.

    Raises Refused (`weak_password`) for one of another length than 12 to 256 characters, and for the e-mail itself.
    """
    found = _normal(password)
    if not SHORTEST <= len(found) <= LONGEST or len(password) > LONGEST:
        raise Refused(
            f"The password does not have {SHORTEST} to {LONGEST} characters.",
            remedy="Choose a longer one: a few unrelated words are easy to keep in mind.",
            code="weak_password",
        )
    if found.casefold() == _normal(email).casefold():
        raise Refused("The password is the e-mail.", remedy="Choose another one.", code="weak_password")
    return found


class Passwords:
    """Hashes and verifies, two at once in threads; those beyond wait, and beyond 32 raise SignInBusy."""

    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        self._hasher = hasher
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobody = ""

    async def hashed(self, password: str, *, email: str) -> str:
        """What is kept of a new password. Raises Refused (`weak_password`)."""
        found = checked(password, email=email)
        return await self._in_thread(lambda: self._hasher.hash(found))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; None for an account that is not there, which takes as long and never matches."""
        if not kept:
            self._nobody = self._nobody or await self._in_thread(lambda: self._hasher.hash(secrets.token_urlsafe()))
        found = _normal(password[:LONGEST])
        same = await self._in_thread(lambda: self._verify(kept or self._nobody, found))
        return same and bool(kept) and len(password) <= LONGEST

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise SignInBusy("Too many sign-ins wait to be verified.")
        self._waiting += 1
        try:
            async with self._places:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
