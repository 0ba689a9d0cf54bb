"""Tokens of an attacker, by name: each is made from what they can have, and each must be refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.harness.key_server import elliptic_key, rsa_key, signed
from tests.harness.tokens import claims_of

KID = "key-1"
CLAIMS = ("exp", "iat", "sub", "aud", "iss", "role")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is attacked: the key that signs, whom its tokens are from and for. `secret` where HS256 is what is used."""

    issuer: str
    audience: str = "authenticated"
    key: rsa.RSAPrivateKey | None = None
    secret: str = ""

    def claims(self, role: str | None = "admin", **claims: Any) -> dict[str, Any]:  # noqa: ANN401 - claims are anything
        """Claims that are good."""
        return claims_of(role, **{"iss": self.issuer, "aud": self.audience, **claims})

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:  # noqa: ANN401 - headers are anything
        """A token with the signature that is right."""
        if self.key is not None:
            return signed(claims, self.key, headers.pop("kid", KID), **headers)
        return jwt.encode(claims, self.secret, algorithm="HS256", headers=headers)


def part(document: Any) -> str:  # noqa: ANN401 - any JSON
    """One part of a token."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def by_hmac(claims: dict[str, Any], key: bytes, **headers: Any) -> str:  # noqa: ANN401 - headers are anything
    """A token under any bytes as HS256 key, which a library would refuse to make."""
    text = f"{part({'alg': 'HS256', 'typ': 'JWT', **headers})}.{part(claims)}"
    signature = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _with_header(target: Target, **headers: Any) -> str:  # noqa: ANN401 - headers are anything
    return target.sign(target.claims(), **headers)


def _without_signature(target: Target, word: str, signature: str = "") -> str:
    return f"{part({'alg': word, 'typ': 'JWT', 'kid': KID})}.{part(target.claims())}.{signature}"


def _by_public_key(target: Target) -> str:
    public = (target.key or rsa_key()).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return by_hmac(target.claims(), pem, kid=KID)


def _without(target: Target, claim: str) -> str:
    return target.sign({name: value for name, value in target.claims().items() if name != claim})


def _swapped(target: Target) -> str:
    mine, theirs = target.sign(target.claims("viewer")), target.sign(target.claims("admin"))
    return ".".join([*theirs.split(".")[:2], mine.rsplit(".", 1)[1]])


def _other_claims(target: Target) -> str:
    head, _claims, signature = target.sign(target.claims("viewer")).split(".")
    return f"{head}.{part(target.claims('admin'))}.{signature}"


ATTACKS: dict[str, Callable[[Target], str]] = {
    "alg none": lambda target: _without_signature(target, "none"),
    "alg None, with some signature": lambda target: _without_signature(target, "None", "AAAA"),
    "alg empty": lambda target: _without_signature(target, "", "AAAA"),
    "HS256 under the RSA public key": _by_public_key,
    "HS256 under an empty key": lambda target: by_hmac(target.claims(), b"", kid=KID),
    "HS512 in place of HS256": lambda target: jwt.encode(
        target.claims(), (target.secret or "x") * 64, algorithm="HS512", headers={"kid": KID}
    ),
    "another RSA key, its own key in the header": lambda target: signed(
        target.claims(), rsa_key(), KID, jwk={"kty": "RSA"}, jku="http://127.0.0.1:9/keys", x5u="http://127.0.0.1:9/x"
    ),
    "another key of another kind": lambda target: signed(target.claims(), elliptic_key(), KID),
    "wrong aud": lambda target: target.sign(target.claims(aud="anon")),
    "aud that begins alike": lambda target: target.sign(target.claims(aud=target.audience + "d")),
    "wrong iss": lambda target: target.sign(target.claims(iss="https://elsewhere.example.org/auth/v1")),
    "iss as a list": lambda target: by_hmac(
        {**target.claims(), "iss": [target.issuer]}, target.secret.encode(), kid=KID
    ),
    **{f"missing {claim}": partial(_without, claim=claim) for claim in CLAIMS},
    "expired beyond leeway": lambda target: target.sign(target.claims(seconds=-31)),
    "future iat": lambda target: target.sign(target.claims(iat=target.claims()["iat"] + 120, seconds=900)),
    "future nbf": lambda target: target.sign(target.claims(nbf=target.claims()["iat"] + 120)),
    "exp that never comes": lambda target: target.sign(target.claims(exp=10**30)),
    "exp as text": lambda target: target.sign(target.claims(exp="tomorrow")),
    "crit": lambda target: _with_header(target, crit=["exp"], exp=1),
    "crit b64": lambda target: _with_header(target, crit=["b64"], b64=True),
    "short secret": lambda target: by_hmac(target.claims(), b"secret", kid=KID),
    "kid with a path": lambda target: by_hmac(target.claims(), b"", kid="../../../../dev/null"),
    "kid with a query": lambda target: by_hmac(target.claims(), b"x", kid="x' union select 'x"),
    "kid as a number": lambda target: by_hmac(target.claims(), b"x", kid=1),
    "unknown kid": lambda target: signed(target.claims(), rsa_key(), "key-2"),
    "anon": lambda target: target.sign({**target.claims(), "role": "anon"}),
    "service_role": lambda target: target.sign({**target.claims(), "role": "service_role"}),
    "sub that is no uuid": lambda target: target.sign(target.claims(sub="admin")),
    "truncated": lambda target: target.sign(target.claims())[:-4],
    "without its signature": lambda target: target.sign(target.claims()).rsplit(".", 1)[0],
    "swapped signature": _swapped,
    "claims of another": _other_claims,
    "a padded signature": lambda target: target.sign(target.claims()) + "=",
    "in four parts": lambda target: target.sign(target.claims()) + ".AAAA",
    "nested arrays": lambda target: (
        f"{part({'alg': 'HS256'})}.{base64.urlsafe_b64encode(b'[' * 5000).rstrip(b'=').decode()}.AAAA"
    ),
    "very long": lambda target: target.sign(target.claims(note="x" * 5300)),
    "no token": lambda target: "null",
}
"""Every attack by its name."""
