"""The attacks on tokens, against an API that listens."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import asyncpg
import pytest
from redis.asyncio import Redis

from shared.settings.secret import Secret
from tests.harness.api import Api, gateway_on
from tests.harness.attacks import ATTACKS, KID, Target
from tests.harness.key_server import PATH, key_server, public_jwk, rsa_key
from tests.harness.tokens import ISSUER, SECRET

PATHS = ("/api/auth/me", "/api/migrations", "/api/users")


async def statuses(api: Api, token: str) -> set[int]:
    headers = {"Authorization": f"Bearer {token}"}
    found = set()
    async with aiohttp.ClientSession(api.url, headers=headers) as client:
        for path in PATHS:
            async with client.get(path) as response:
                found.add(response.status)
                if response.status == 401:
                    text = await response.text()
                    assert '"code":"token_refused"' in text, "the caller is told why"
    return found


async def forgotten(api: Api, redis_url: str) -> None:
    """Redis loses the deny list of a gateway; it had one."""
    connection = await asyncpg.connect(api.ledger)
    installation = await connection.fetchval("select id from transfuse.installation")
    await connection.close()
    async with Redis.from_url(redis_url) as client:
        assert await client.delete(f"tf:denied:{installation}") == 1


async def refused(api: Api, target: Target) -> list[str]:
    """The attacks that got anything else than 401."""
    return [name for name, attack in ATTACKS.items() if await statuses(api, attack(target)) != {401}]


async def test_every_attack_on_a_gateway_with_public_keys_is_refused(postgres_server: str) -> None:
    key = rsa_key()
    async with key_server() as keys:
        keys.keys = [public_jwk(key, KID)]
        settings: dict[str, Any] = {"supabase_url": Secret(keys.url), "jwt_secret": None}
        async with gateway_on(postgres_server, **settings) as api:
            target = Target(issuer=f"{keys.url}/auth/v1", key=key)
            assert 401 not in await statuses(api, target.sign(target.claims()))
            assert await refused(api, target) == []
            assert set(keys.paths) == {PATH}
            assert len(keys.paths) <= 2, "tokens of unknown keys fetched the set again and again"


async def test_every_attack_on_a_gateway_with_a_secret_is_refused(api: Api) -> None:
    target = Target(issuer=ISSUER, secret=SECRET)
    assert 401 not in await statuses(api, target.sign(target.claims()))
    assert await refused(api, target) == []


async def test_a_role_of_user_metadata_opens_nothing(api: Api) -> None:
    target = Target(issuer=ISSUER, secret=SECRET)
    token = target.sign(target.claims(None, user_metadata={"role": "admin"}))
    assert await statuses(api, token) == {200, 403}


async def test_a_token_is_no_use_after_its_session_was_signed_out_nor_are_its_siblings(api: Api) -> None:
    target = Target(issuer=ISSUER, secret=SECRET)
    claims = target.claims()
    token, sibling = target.sign(claims), target.sign({**claims, "note": "another one of the session"})
    headers = {"Authorization": f"Bearer {token}"}
    async with api.anyone() as client, client.post("/api/auth/logout", json={}, headers=headers) as response:
        assert response.status == 204
    assert await statuses(api, token) == {401}
    assert await statuses(api, sibling) == {401}


async def test_with_redis_a_sign_out_counts_at_once_for_nobody_else_and_outlives_what_redis_knows(
    postgres_server: str, redis_url: str
) -> None:
    async with gateway_on(postgres_server, redis=Secret(redis_url)) as api:
        target = Target(issuer=ISSUER, secret=SECRET)
        tokens = [target.sign(target.claims()) for _ in range(8)]
        assert all(401 not in found for found in await asyncio.gather(*(statuses(api, token) for token in tokens)))
        for token in tokens[:4]:
            headers = {"Authorization": f"Bearer {token}"}
            async with api.anyone() as client, client.post("/api/auth/logout", json={}, headers=headers) as response:
                assert response.status == 204
        for _ in range(2):
            found = await asyncio.gather(*(statuses(api, token) for token in tokens))
            assert [status == {401} for status in found] == [True] * 4 + [False] * 4
            await forgotten(api, redis_url)


@pytest.mark.parametrize("header", ("Bearer", "Bearer  ", "Basic YTpi", "Token x", "bearer\tx"))
async def test_other_authorization_headers_are_refused(api: Api, header: str) -> None:
    async with api.anyone() as client, client.get("/api/auth/me", headers={"Authorization": header}) as response:
        assert response.status == 401
