"""An address of public keys as Supabase has one, on loopback, that can rotate, fail and count."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

PATH = "/auth/v1/.well-known/jwks.json"

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def elliptic_key() -> ec.EllipticCurvePrivateKey:
    """A new key for ES256."""
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A new key for RS256."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public_jwk(key: PrivateKey, kid: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - members of JSON
    """The public half as a member of a JWKS."""
    if isinstance(key, rsa.RSAPrivateKey):
        found = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        found = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**found, "kid": kid, "use": "sig", **members}


def signed(claims: dict[str, Any], key: PrivateKey, kid: str | None, **headers: Any) -> str:  # noqa: ANN401 - members of JSON
    """A token under a key."""
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    named = {} if kid is None else {"kid": kid}
    return jwt.encode(claims, key, algorithm=algorithm, headers={**named, **headers})


class KeyServer:
    """What it answers is `keys`, or `body` as it is; `status` makes it fail. `paths` are the requests it had."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[dict[str, Any]] = []
        self.body: bytes | None = None
        self.status = 200
        self.location = ""
        self.paths: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.paths.append(request.path)
        body = self.body if self.body is not None else json.dumps({"keys": self.keys}).encode()
        headers = {"Location": self.location} if self.location else {}
        return web.Response(status=self.status, body=body, content_type="application/json", headers=headers)


@asynccontextmanager
async def key_server() -> AsyncIterator[KeyServer]:
    """A server on a free port of loopback; `url` is its origin."""
    server = KeyServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
