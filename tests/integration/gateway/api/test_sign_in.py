"""Signing in with a local account, staying signed in, and signing out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import asyncpg
import msgspec
import pytest
from argon2 import PasswordHasher

from services.gateway.api.limits.policy import Rate, unlimited
from services.gateway.resources.sign_in import COOKIE
from shared.identity.passwords import Passwords
from shared.settings.environ import Environment
from shared.settings.secret import Secret
from tests.harness.api import Api, gateway_on

EMAIL, PASSWORD = "ops.lead@example.org", "correct horse battery"


class Signed(msgspec.Struct, frozen=True):
    """An answer of login or refresh."""

    status: int
    body: dict[str, Any]
    cookie: str
    attributes: dict[str, str]


async def post(api: Api, path: str, body: dict[str, Any], *, cookie: str = "", token: str = "") -> Signed:
    """A call as a browser makes it, with the cookie that it was given."""
    headers = {
        **({"Cookie": f"{COOKIE}={cookie}"} if cookie else {}),
        **({"Authorization": f"Bearer {token}"} if token else {}),
    }
    async with (
        aiohttp.ClientSession(api.url, cookie_jar=aiohttp.DummyCookieJar()) as client,
        client.post(path, json=body, headers=headers) as response,
    ):
        found = SimpleCookie(response.headers.get("Set-Cookie", "")).get(COOKIE)
        content = await response.read()
        return Signed(
            response.status,
            msgspec.json.decode(content) if content else {},
            found.value if found is not None else "",
            dict(found) if found is not None else {},
        )


async def log_in(api: Api, email: str = EMAIL, password: str = PASSWORD) -> Signed:
    return await post(api, "/api/auth/login", {"email": email, "password": password})


async def refresh(api: Api, cookie: str) -> Signed:
    return await post(api, "/api/auth/refresh", {}, cookie=cookie)


async def me(api: Api, token: str) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"}
    async with api.anyone() as client, client.get("/api/auth/me", headers=headers) as response:
        return response.status, await response.json()


async def entries(ledger: asyncpg.Connection, action: str) -> list[dict[str, Any]]:
    """The audit's entries of an action, oldest first."""
    rows = await ledger.fetch(
        "select actor, outcome, detail from transfuse.audit where action = $1 order by seq", action
    )
    return [{**row, "detail": msgspec.json.decode(row["detail"])} for row in rows]


@pytest.fixture
async def account(api: Api) -> AsyncIterator[str]:
    """The id of an account that is an administrator's."""
    form = {"email": EMAIL, "role": "admin", "password": PASSWORD}
    async with api.client() as client, client.post("/api/users", json=form) as response:
        assert response.status == 201
        yield (await response.json())["id"]


@pytest.fixture
async def ledger(api: Api) -> AsyncIterator[asyncpg.Connection]:
    """The ledger as its owner sees it."""
    connection = await asyncpg.connect(api.ledger)
    yield connection
    await connection.close()


async def test_whoever_signs_in_gets_a_token_for_ten_minutes_and_a_cookie_that_no_script_reads(
    api: Api, account: str, ledger: asyncpg.Connection
) -> None:
    found = await log_in(api, email=EMAIL.upper())
    assert found.status == 200
    assert found.body["expiresIn"] == 600
    assert found.body["user"] == {"id": account, "email": EMAIL, "role": "admin"}
    attributes = found.attributes
    assert attributes["httponly"]
    assert not attributes["secure"]
    assert (attributes["samesite"], attributes["path"], attributes["max-age"]) == ("Strict", "/api/auth", "1800")
    status, seen = await me(api, found.body["accessToken"])
    assert status == 200
    assert (seen["id"], seen["role"], seen["authentication"]) == (account, "admin", "local")
    assert {"user:write", "quarantine:unmask", "migration:start"} < set(seen["permissions"])
    assert not {"anyone", "signed_in"} & set(seen["permissions"])
    kept = await ledger.fetchrow("select password_hash, last_sign_in_at from transfuse.account")
    assert kept["password_hash"].startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert kept["last_sign_in_at"] is not None
    everything = str(await ledger.fetch("select hash from transfuse.refresh_token")) + str(
        await ledger.fetch("select detail::text from transfuse.audit")
    )
    assert found.cookie not in everything
    assert PASSWORD not in everything


async def test_in_production_the_cookie_travels_encrypted_only(postgres_server: str) -> None:
    async with gateway_on(postgres_server, environment=Environment.PRODUCTION) as api:
        form = {"email": EMAIL, "role": "viewer", "password": PASSWORD}
        async with api.client() as client, client.post("/api/users", json=form) as response:
            assert response.status == 201
        assert (await log_in(api)).attributes["secure"]


async def test_a_wrong_email_a_wrong_password_and_a_disabled_account_get_the_same_answer(
    api: Api, account: str
) -> None:
    answers = [await log_in(api, email="nobody@example.org"), await log_in(api, password="wrong horse battery")]
    other = {"email": "second@example.org", "role": "viewer", "password": PASSWORD}
    async with api.client() as client:
        async with client.post("/api/users", json=other) as response:
            second = (await response.json())["id"]
        async with client.patch(f"/api/users/{second}", json={"disabled": True}) as response:
            assert response.status == 200
    answers.append(await log_in(api, email="second@example.org"))
    assert {answer.status for answer in answers} == {401}
    bodies = [{name: value for name, value in answer.body.items() if name != "requestId"} for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]
    assert not any(answer.cookie for answer in answers)


async def test_a_hash_of_other_parameters_is_made_anew_when_its_owner_signs_in(
    api: Api, account: str, ledger: asyncpg.Connection
) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await ledger.execute("update transfuse.account set password_hash = $1", old)
    assert (await log_in(api)).status == 200
    kept = await ledger.fetchval("select password_hash from transfuse.account")
    assert kept.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert (await log_in(api)).status == 200


async def test_a_refresh_token_is_good_for_one_use_and_its_second_use_ends_the_session(
    api: Api, account: str, ledger: asyncpg.Connection
) -> None:
    first = await log_in(api)
    second = await refresh(api, first.cookie)
    third = await refresh(api, second.cookie)
    assert [answer.status for answer in (second, third)] == [200, 200]
    assert len({first.cookie, second.cookie, third.cookie}) == 3
    other = await log_in(api)
    stolen = await refresh(api, first.cookie)
    assert stolen.status == 401
    assert stolen.attributes["max-age"] == "0"
    for answer in (first, second, third):
        assert (await me(api, answer.body["accessToken"]))[0] == 401
    assert (await refresh(api, third.cookie)).status == 401
    assert (await me(api, other.body["accessToken"]))[0] == 200, "another sign-in of the account stays"
    assert await ledger.fetchval("select count(*) from transfuse.session where ended_by = 'reused'") == 1


async def test_of_two_who_use_a_refresh_token_at_once_one_is_refused(api: Api, account: str) -> None:
    found = await log_in(api)
    answers = await asyncio.gather(*(refresh(api, found.cookie) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401]


@pytest.mark.parametrize(
    "passed",
    (
        "update transfuse.session set used_at = now() - interval '31 minutes'",
        "update transfuse.session set ends_at = now() - interval '1 second'",
        "update transfuse.account set disabled_at = now()",
    ),
    ids=("idle for half an hour", "after twelve hours", "disabled"),
)
async def test_a_session_that_is_over_is_not_prolonged(
    api: Api, account: str, ledger: asyncpg.Connection, passed: str
) -> None:
    found = await log_in(api)
    await ledger.execute(passed)
    assert (await refresh(api, found.cookie)).status == 401


async def test_the_last_token_of_a_session_ends_with_it(api: Api, account: str, ledger: asyncpg.Connection) -> None:
    found = await log_in(api)
    await ledger.execute("update transfuse.session set ends_at = now() + interval '90 seconds'")
    again = await refresh(api, found.cookie)
    assert 80 <= again.body["expiresIn"] <= 90
    assert 80 <= int(again.attributes["max-age"]) <= 90


@pytest.mark.parametrize("cookie", ("x", "é" * 40, "x" * 4000))
async def test_a_cookie_that_is_none_of_ours_prolongs_nothing(api: Api, account: str, cookie: str) -> None:
    assert (await refresh(api, cookie)).status == 401


async def test_a_page_that_is_opened_by_nobody_learns_it_without_an_error_or_an_entry(
    api: Api, account: str, ledger: asyncpg.Connection
) -> None:
    before = await ledger.fetchval("select count(*) from transfuse.audit")
    for headers in ({}, {"Cookie": f"{COOKIE}="}, {"Cookie": "another=1"}):
        async with api.anyone() as client, client.post("/api/auth/refresh", json={}, headers=headers) as response:
            assert (response.status, await response.read()) == (204, b"")
            assert "Set-Cookie" not in response.headers
    assert await ledger.fetchval("select count(*) from transfuse.audit") == before


async def test_a_silent_refresh_leaves_no_entry_and_a_refused_one_does(
    api: Api, account: str, ledger: asyncpg.Connection
) -> None:
    first = await log_in(api)
    second = await refresh(api, first.cookie)
    assert (await refresh(api, second.cookie)).status == 200
    assert await entries(ledger, "auth.refresh") == []
    assert (await refresh(api, "x")).status == 401
    assert (await refresh(api, first.cookie)).status == 401
    unknown, reused = await entries(ledger, "auth.refresh")
    assert (unknown["actor"], unknown["outcome"], unknown["detail"]["code"]) == ("anyone", "refused", "sign_in_refused")
    assert "account" not in unknown["detail"]
    assert (reused["outcome"], reused["detail"]["reason"], reused["detail"]["account"]) == (
        "refused",
        "reused",
        account,
    )


async def test_a_refresh_token_in_two_hands_is_recorded_however_much_was_refused_before(
    postgres_server: str,
) -> None:
    policy = msgspec.structs.replace(unlimited(), unsigned_of_address=Rate(count=1, seconds=3600, burst=1))
    async with gateway_on(postgres_server, policy=policy) as api:
        form = {"email": EMAIL, "role": "viewer", "password": PASSWORD}
        async with api.client() as client, client.post("/api/users", json=form) as response:
            assert response.status == 201
        first = await log_in(api)
        assert (await refresh(api, first.cookie)).status == 200
        for cookie in ("x", "y", first.cookie, "z"):
            assert (await refresh(api, cookie)).status == 401
        connection = await asyncpg.connect(api.ledger)
        found = await entries(connection, "auth.refresh")
        await connection.close()
    assert [entry["detail"].get("reason") for entry in found] == [None, "reused"]


async def test_who_signs_out_is_out_at_once_and_on_this_device_only(api: Api, account: str) -> None:
    here, there = await log_in(api), await log_in(api)
    token = here.body["accessToken"]
    out = await post(api, "/api/auth/logout", {}, cookie=here.cookie, token=token)
    assert out.status == 204
    assert out.attributes["max-age"] == "0"
    assert (await me(api, token))[0] == 401
    assert (await refresh(api, here.cookie)).status == 401
    assert (await me(api, there.body["accessToken"]))[0] == 200
    assert (await refresh(api, there.cookie)).status == 200


async def test_who_signs_out_everywhere_is_out_on_every_device_and_may_sign_in_again_at_once(
    api: Api, account: str
) -> None:
    here, there = await log_in(api), await log_in(api)
    out = await post(api, "/api/auth/logout", {"everywhere": True}, token=here.body["accessToken"])
    assert out.status == 204
    for answer in (here, there):
        assert (await me(api, answer.body["accessToken"]))[0] == 401
        assert (await refresh(api, answer.cookie)).status == 401
    again = await log_in(api)
    assert (await me(api, again.body["accessToken"]))[0] == 200


async def test_signing_out_works_by_the_cookie_alone_and_twice(api: Api, account: str) -> None:
    found = await log_in(api)
    for _ in range(2):
        assert (await post(api, "/api/auth/logout", {}, cookie=found.cookie)).status == 204
    assert (await me(api, found.body["accessToken"]))[0] == 401
    assert (await post(api, "/api/auth/logout", {})).status == 204


async def test_sign_ins_refusals_and_sign_outs_are_in_the_audit_without_what_was_typed(
    api: Api, account: str, ledger: asyncpg.Connection
) -> None:
    found = await log_in(api)
    await log_in(api, password="wrong horse battery")
    await post(api, "/api/auth/logout", {}, token=found.body["accessToken"])
    rows = await ledger.fetch(
        "select action, outcome, actor, object_id from transfuse.audit where action like 'auth.%' order by seq"
    )
    assert [tuple(row)[:2] for row in rows] == [
        ("auth.login", "done"), ("auth.login", "refused"), ("auth.logout", "done"),
    ]  # fmt: skip
    assert {row["object_id"] for row in rows[:2]} == {EMAIL}
    assert [row["actor"] for row in rows] == [EMAIL, "anyone", EMAIL]
    text = str(await ledger.fetch("select a::text as line from transfuse.audit a"))
    assert "horse" not in text


async def test_with_supabase_people_sign_in_there_and_are_signed_out_here(postgres_server: str) -> None:
    settings: dict[str, Any] = {"supabase_url": Secret("http://127.0.0.1:9"), "jwt_issuer": "transfuse"}
    async with gateway_on(postgres_server, **settings) as api:
        for path, body in (("login", {"email": EMAIL, "password": PASSWORD}), ("refresh", {})):
            answer = await post(api, f"/api/auth/{path}", body)
            assert (answer.status, answer.body["code"]) == (409, "not_available")
        async with api.client() as client:
            async with client.get("/api/users") as response:
                assert response.status == 409
            async with client.get("/api/auth/me") as response:
                assert (await response.json())["authentication"] == "supabase"
            async with client.post("/api/auth/logout", json={}) as response:
                assert response.status == 204
            async with client.get("/api/auth/me") as response:
                assert response.status == 401, "a token was accepted after its session was signed out"


async def test_without_a_secret_nobody_signs_in(postgres_server: str) -> None:
    async with gateway_on(postgres_server, jwt_secret=None) as api:
        answer = await log_in(api)
        assert (answer.status, answer.body["code"]) == (409, "not_available")
        async with api.client() as client, client.get("/api/auth/me") as response:
            assert response.status == 401


@pytest.mark.parametrize("change", ({"disabled": True}, {"role": "viewer"}, {"password": "another horse battery"}))
async def test_an_account_that_is_changed_while_its_password_is_verified_is_not_signed_in(
    api: Api, account: str, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    async with api.client() as client:
        form = {"email": "second@example.org", "role": "admin", "password": PASSWORD}
        async with client.post("/api/users", json=form) as response:
            assert response.status == 201
        matches = Passwords.matches

        async def slowly(self: Passwords, kept: str | None, password: str) -> bool:
            found = await matches(self, kept, password)
            async with client.patch(f"/api/users/{account}", json=change) as response:
                assert response.status == 200
            return found

        monkeypatch.setattr(Passwords, "matches", slowly)
        found = await log_in(api)
    assert (found.status, found.cookie) == (401, "")
