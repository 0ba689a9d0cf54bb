"""Tokens: the good ones pass, and every attack is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import Refused
from shared.identity.claims import LEEWAY_SECONDS, key_id, verified_identity
from shared.identity.identity import Identity, TokenRefused
from shared.identity.key_set import usable
from shared.identity.keys import NoKeys, SecretKeys, VerificationKey
from shared.identity.permissions import Permission, Role
from shared.identity.verifier import KEPT_SECONDS, MOST_KEPT, Verifier
from shared.settings.secret import Secret
from tests.harness.attacks import ATTACKS, KID, Target
from tests.harness.key_server import public_jwk, rsa_key
from tests.harness.tokens import AUDIENCE, ISSUER, SECRET, token

RSA = rsa_key()
BY_SECRET = Target(issuer=ISSUER, secret=SECRET)
BY_KEY = Target(issuer="https://project.supabase.co/auth/v1", key=RSA)


class OneSet:
    """The keys of BY_KEY."""

    def __init__(self) -> None:
        self._keys = usable([public_jwk(RSA, KID)])

    async def find(self, kid: str) -> VerificationKey:
        if kid not in self._keys:
            raise TokenRefused("unknown", code="unknown_key")
        return self._keys[kid]


class Sessions:
    """A deny list in memory, that counts how often it was asked."""

    def __init__(self) -> None:
        self.denied: set[str] = set()
        self.asked = 0

    async def denies(self, identity: Identity) -> bool:
        self.asked += 1
        return identity.session in self.denied


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).timestamp()

    def __call__(self) -> float:
        return self.now


def verifier_of(target: Target, denied: Sessions | None = None, clock: Clock | None = None) -> Verifier:
    keys = SecretKeys(Secret(target.secret)) if target.secret else OneSet()
    return Verifier(
        keys,
        denied or Sessions(),  # type: ignore[arg-type] # what the verifier asks of it
        issuer=target.issuer,
        audience=target.audience,
        clock=clock or Clock(),
    )


@pytest.mark.parametrize("target", (BY_SECRET, BY_KEY), ids=("secret", "key set"))
async def test_a_good_token_gives_who_it_speaks_for(target: Target) -> None:
    claims = target.claims("migration_manager")
    identity = await verifier_of(target).verify(target.sign(claims))
    assert str(identity.subject) == claims["sub"]
    assert identity.role is Role.MIGRATION_MANAGER
    assert (identity.email, identity.session) == (claims["email"], claims["session_id"])
    assert identity.expires_at.timestamp() == claims["exp"]
    assert identity.may(Permission.MIGRATION_START)
    assert not identity.may(Permission.QUARANTINE_UNMASK)


@pytest.mark.parametrize("target", (BY_SECRET, BY_KEY), ids=("secret", "key set"))
@pytest.mark.parametrize("attack", ATTACKS)
async def test_every_attack_is_refused(target: Target, attack: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        await verifier_of(target).verify(ATTACKS[attack](target))
    assert refused.value.code != "error"


@pytest.mark.parametrize("word", ("root", "", "ADMIN", "admin ", None, 1, ["admin"], {"role": "admin"}, True))
async def test_a_role_that_is_none_of_ours_is_no_role(word: object) -> None:
    claims = BY_SECRET.claims(None, app_metadata={"role": word})
    identity = await verifier_of(BY_SECRET).verify(BY_SECRET.sign(claims))
    assert identity.role is None
    assert not identity.may(Permission.MIGRATION_READ)


async def test_a_role_that_people_write_themselves_is_no_role() -> None:
    claims = BY_SECRET.claims(None, user_metadata={"role": "admin"}, user_role="admin")
    assert (await verifier_of(BY_SECRET).verify(BY_SECRET.sign(claims))).role is None


async def test_clocks_may_be_half_a_minute_apart() -> None:
    verifier = verifier_of(BY_SECRET)
    await verifier.verify(token(seconds=-(LEEWAY_SECONDS - 5)))
    await verifier.verify(BY_SECRET.sign(BY_SECRET.claims(iat=BY_SECRET.claims()["iat"] + 25)))


async def test_a_token_under_another_secret_is_refused_and_without_keys_every_one_is() -> None:
    with pytest.raises(TokenRefused) as refused:
        await verifier_of(BY_SECRET).verify(token(secret="another secret that is long enough too"))
    assert refused.value.code == "bad_signature"
    with pytest.raises(TokenRefused):
        await NoKeys().find("")


def test_a_short_secret_is_refused_at_the_start() -> None:
    with pytest.raises(Refused) as refused:
        SecretKeys(Secret("x" * 31))
    assert refused.value.code == "short_secret"


async def test_a_verified_token_is_remembered_but_the_deny_list_is_asked_every_time() -> None:
    denied, found = Sessions(), token(session_id="mine")
    verifier = verifier_of(BY_SECRET, denied)
    first = await verifier.verify(found)
    assert await verifier.verify(found) is first
    assert denied.asked == 2
    denied.denied.add("mine")
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(found)
    assert refused.value.code == "revoked"


async def test_a_remembered_token_is_verified_again_after_a_minute_and_never_outlives_itself() -> None:
    clock = Clock()
    verifier = verifier_of(BY_SECRET, clock=clock)
    long, short = token(), token(seconds=10)
    first, brief = await verifier.verify(long), await verifier.verify(short)
    clock.now += KEPT_SECONDS - 1
    assert await verifier.verify(long) is first
    assert await verifier.verify(short) is not brief, "remembered beyond its end and the leeway"
    clock.now += 2
    assert await verifier.verify(long) is not first


async def test_what_is_remembered_has_a_bound() -> None:
    verifier = verifier_of(BY_SECRET)
    claims = BY_SECRET.claims()
    for number in range(MOST_KEPT // 512):
        await verifier.verify(BY_SECRET.sign({**claims, "number": number}))
    assert len(verifier._kept) == MOST_KEPT // 512
    identity = await verifier.verify(BY_SECRET.sign(claims))
    for number in range(MOST_KEPT + 8):
        verifier._remember(number.to_bytes(32, "big"), identity)
    assert len(verifier._kept) == MOST_KEPT


GOOD = BY_KEY.sign(BY_KEY.claims())
GOOD_BY_SECRET = token()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \x00é"


@given(st.data())
def test_no_mutation_of_a_good_token_verifies(data: st.DataObject) -> None:
    good = data.draw(st.sampled_from((GOOD, GOOD_BY_SECRET)))
    target = BY_KEY if good is GOOD else BY_SECRET
    place = data.draw(st.integers(0, len(good) - 1))
    length = data.draw(st.integers(0, 3))
    mutant = good[:place] + data.draw(st.text(ALPHABET, max_size=3)) + good[place + length :]
    key = usable([public_jwk(RSA, KID)])[KID] if target is BY_KEY else VerificationKey("HS256", Secret(SECRET))
    if mutant == good:
        return
    with pytest.raises(TokenRefused):
        _ = key_id(mutant), verified_identity(mutant, key, issuer=target.issuer, audience=AUDIENCE)
