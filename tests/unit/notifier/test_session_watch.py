"""Connections end with their token, with its revocation, and when they fall behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

from services.notifier.limits import SocketLimits
from services.notifier.session_watch import SessionWatch
from services.notifier.sessions import Sessions
from shared.core.errors import WorldError
from shared.identity.identity import Identity
from shared.identity.permissions import Role

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def identity(minutes: float = 10) -> Identity:
    return Identity(
        subject=uuid4(),
        role=Role.VIEWER,
        email="",
        session=str(uuid4()),
        issued_at=NOW,
        expires_at=NOW + timedelta(minutes=minutes),
    )


class SessionsFake:
    """Sessions that a test plays; `ended` is who was put out, and why."""

    def __init__(self, *identities: Identity) -> None:
        self.all = [
            SimpleNamespace(number=number, identity=found, asked_at=0.0, waiting=0)
            for number, found in enumerate(identities)
        ]
        self.ended: list[tuple[int, str]] = []

    def waiting_packets(self, session: Any) -> int | None:  # noqa: ANN401 - a session of this fake
        return cast("int | None", session.waiting)

    async def drop(self, session: Any, why: str) -> None:  # noqa: ANN401 - the same
        self.ended.append((session.number, why))

    cut = drop


class DenyListFake:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.denied: set[str] = set()
        self.away = False

    async def denies(self, identity: Identity) -> bool:
        if self.away:
            raise WorldError("nobody answers")
        self.asked.append(identity.session)
        return identity.session in self.denied


class Played:
    def __init__(self, *identities: Identity) -> None:
        self.sessions, self.deny_list = SessionsFake(*identities), DenyListFake()
        self.seconds = 0.0
        self.watch = SessionWatch(
            cast("Sessions", self.sessions),
            self.deny_list,
            SocketLimits(),
            clock=lambda: self.seconds,
            now=lambda: NOW + timedelta(seconds=self.seconds),
        )

    async def after(self, seconds: float) -> list[tuple[int, str]]:
        self.seconds = seconds
        await self.watch.look()
        return self.sessions.ended


async def test_a_connection_ends_to_the_second_with_its_token() -> None:
    played = Played(identity(1), identity(2))
    assert await played.after(59.9) == []
    assert await played.after(60) == [(0, "token_expired")]


async def test_the_deny_list_is_asked_every_ten_seconds_once_for_each_sign_in() -> None:
    same = identity()
    played = Played(same, same, identity())
    for second in range(30):
        assert await played.after(second) == []
    assert len(played.deny_list.asked) == 4
    played.deny_list.denied.add(same.session)
    assert await played.after(30) == [(0, "token_revoked"), (1, "token_revoked")]


async def test_while_the_deny_list_is_away_connections_stay_and_are_asked_about_when_it_is_back() -> None:
    one = identity()
    played = Played(one)
    played.deny_list.denied.add(one.session)
    played.deny_list.away = True
    assert await played.after(20) == []
    played.deny_list.away = False
    assert await played.after(21) == [(0, "token_revoked")]


async def test_whoever_falls_behind_or_is_gone_is_cut_off() -> None:
    played = Played(identity(), identity(), identity())
    waits: list[int | None] = [65, None, 64]
    for session, waiting in zip(played.sessions.all, waits, strict=True):
        session.waiting = waiting
    assert await played.after(1) == [(0, "too_slow"), (1, "gone")]
