"""Who is let in, what for, and when they are put out again, over real sockets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from socketio.exceptions import ConnectionError as SocketIOError

from services.notifier.handlers import EVENTS
from services.notifier.limits import SocketLimits
from shared.identity.permissions import Role, may
from shared.ledger.revocations import Revocations
from shared.settings.secret import Secret
from tests.harness.attacks import ATTACKS, KID, Target
from tests.harness.key_server import key_server, public_jwk, rsa_key
from tests.harness.sockets import Client, Notifier, sockets_on
from tests.harness.tokens import ISSUER, SECRET, claims_of, token
from tests.ledgers.ledger import Ledger, PlannedMapping, ledger_on

OK = {"ok": True}


async def admitted(notifier: Notifier, text: str) -> bool:
    """Whether a token opens a connection; a refusal says no more than that."""
    client = Client()
    try:
        is_in = await client.connect(notifier.url, text)
        if not is_in:
            told = {"message": "The token is not accepted.", "code": "token_refused"}
            assert [refusal["data"] for refusal in client.refused] == [told]
        return is_in
    finally:
        await client.close()


async def let_in(notifier: Notifier, target: Target) -> list[str]:
    """The attacks that opened a connection."""
    return [name for name, attack in ATTACKS.items() if await admitted(notifier, attack(target))]


async def test_every_attack_on_a_token_is_refused_at_connect(notifier: Notifier) -> None:
    target = Target(issuer=ISSUER, secret=SECRET)
    assert await admitted(notifier, target.sign(target.claims()))
    assert await let_in(notifier, target) == []


async def test_every_attack_on_public_keys_is_refused_at_connect(postgres_server: str) -> None:
    key = rsa_key()
    async with key_server() as keys:
        keys.keys = [public_jwk(key, KID)]
        settings: dict[str, Any] = {"supabase_url": Secret(keys.url), "jwt_secret": None}
        async with sockets_on(postgres_server, **settings) as sockets:
            target = Target(issuer=f"{keys.url}/auth/v1", key=key)
            assert await admitted(sockets.notifiers[0], target.sign(target.claims()))
            assert await let_in(sockets.notifiers[0], target) == []


async def test_without_a_token_nobody_is_let_in(notifier: Notifier) -> None:
    auths: tuple[Any, ...] = (None, {}, {"token": 7}, {"token": None}, "token", ["token"], {"jwt": "x"})
    for auth in auths:
        client = Client()
        with pytest.raises(SocketIOError):
            await client.socket.connect(notifier.url, auth=auth, transports=["websocket"])
        await client.close()
        assert [refusal["data"]["code"] for refusal in client.refused] == ["not_signed_in"], auth


async def test_a_token_in_the_address_is_not_looked_at(notifier: Notifier) -> None:
    client = Client()
    assert not await client.connect(f"{notifier.url}/?token={token()}")
    await client.close()


async def test_every_room_asks_for_its_permission(notifier: Notifier, ledger: Ledger) -> None:
    run = await ledger.running(PlannedMapping(name="patients"))
    migration = str(await ledger.connection.fetchval("select migration_id from transfuse.run where id = $1", run))
    arguments = {"migration:subscribe": (migration,), "migration:unsubscribe": (migration,)}
    for role in (*Role, None):
        async with notifier.client(role) as client:
            for event in EVENTS:
                answer = await client.ask(event.name, *arguments.get(event.name, ()))
                allowed = may(role, event.permission)
                assert (answer == OK) == allowed, f"{role} {event.name}"
                assert allowed or answer["error"]["code"] == "forbidden"
            if role is None:
                assert client.said == []


async def test_a_connection_ends_with_its_token(notifier: Notifier) -> None:
    async with notifier.client(seconds=2) as client:
        assert await client.ask("system:subscribe") == OK
        await client.gone.wait()
        count = len(client.said)
        assert not await admitted(notifier, token(seconds=-1)), "within the leeway of REST, and of no use here"
        assert len(client.said) == count


async def test_a_connection_ends_when_its_sign_in_is_revoked_and_no_other_does(postgres_server: str) -> None:
    claims = claims_of("viewer")
    async with sockets_on(postgres_server, limits=SocketLimits(deny_list=0.0)) as sockets:
        notifier = sockets.notifiers[0]
        async with (
            notifier.client(**claims) as one,
            notifier.client(**claims) as same,
            notifier.client() as other,
            ledger_on(sockets.database) as ledger,
        ):
            await Revocations(ledger.pool).add_session(claims["session_id"], datetime.now(UTC) + timedelta(hours=1))
            await one.gone.wait()
            await same.gone.wait()
            assert await other.ask("system:subscribe") == OK


async def test_what_is_not_in_the_table_is_ignored(notifier: Notifier) -> None:
    async with notifier.client("admin") as client:
        for name in ("migration:start", "message", "connect", "disconnect", "connect_error", "*", "__init__"):
            await client.socket.emit(name, {"token": token("admin")})
        assert await client.ask("system:subscribe") == OK
        await client.until(lambda: client.count("system:metrics") > 0)
        assert set(client.heard) == {"system:metrics"}


async def test_a_flood_is_told_to_slow_down_and_then_put_out(notifier: Notifier) -> None:
    async with notifier.client() as client, notifier.client() as other:
        answers = [await client.ask("migration:unsubscribe", str(uuid4())) for _ in range(60)]
        refused = [answer for answer in answers if answer != OK]
        assert {answer["error"]["code"] for answer in refused} == {"too_many_requests"}
        assert 20 <= answers.count(OK) < 60
        for _ in range(200):
            await client.socket.emit("migration:unsubscribe", str(uuid4()))
        await client.gone.wait()
        assert await other.ask("system:subscribe") == OK


async def test_one_account_has_so_many_connections_and_others_have_theirs(postgres_server: str) -> None:
    async with sockets_on(postgres_server, limits=SocketLimits(connections_per_user=2)) as sockets:
        (notifier,), subject = sockets.notifiers, str(uuid4())
        third = Client()
        async with notifier.client(sub=subject) as first, notifier.client(sub=subject), notifier.client():
            assert not await third.connect(notifier.url, token("viewer", sub=subject))
            assert third.refused[0]["data"]["code"] == "too_many_connections"
            await first.close()
            await third.close()
            async with notifier.client(sub=subject):
                pass


async def test_one_connection_follows_so_many_migrations(postgres_server: str) -> None:
    async with (
        sockets_on(postgres_server, limits=SocketLimits(rooms_per_connection=1)) as sockets,
        sockets.notifiers[0].client() as client,
        ledger_on(sockets.database) as ledger,
    ):
        answers = []
        for name in ("one", "two"):
            run = await ledger.running(PlannedMapping(name="patients"), migration=name)
            found = await ledger.connection.fetchval("select migration_id from transfuse.run where id = $1", run)
            answers.append(await client.ask("migration:subscribe", str(found)))
        assert (answers[0], answers[1]["error"]["code"]) == (OK, "too_many_rooms")
