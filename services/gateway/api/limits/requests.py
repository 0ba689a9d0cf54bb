"""What of a request counts under which key, and the answer to who asks too often."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Sequence
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network

from services.gateway.api.limits.gcra import Claim, Gcra
from services.gateway.api.limits.holding import Holding
from services.gateway.api.limits.policy import LimitPolicy
from services.gateway.api.problems import ApiError
from shared.identity.identity import Identity


class RequestLimits:
    """The limits of the API. `admit` and `try_sign_in` raise ApiError 429 with Retry-After."""

    def __init__(self, gcra: Gcra, policy: LimitPolicy) -> None:
        self._gcra = gcra
        self._policy = policy
        self._holding = Holding(policy.hold_seconds, most=policy.most_held)

    async def admit(self, address: str, identity: Identity | None, *, starts: bool = False) -> None:
        """Count a request for its address, for who is signed in, and as a start where it is one."""
        claims = [Claim(key=f"address:{network_of(address)}", rate=self._policy.address)]
        if identity is not None:
            claims.append(Claim(key=f"user:{identity.subject}", rate=self._policy.user))
            if starts:
                claims.append(Claim(key=f"starts:{identity.subject}", rate=self._policy.starts))
        await self._take(claims, "You ask too often.")

    async def try_sign_in(self, address: str, account: str) -> Sequence[Claim]:
        """Count an attempt as failed before it is made, so that attempts at the same time are no way around.

        Give the claims back when it has not failed.
        """
        claims = [Claim(key=f"sign-ins-of:{network_of(address)}", rate=self._policy.sign_ins_of_address)]
        if account:
            claims.append(Claim(key=f"sign-ins-as:{_digest(account)}", rate=self._policy.sign_ins_of_account))
        await self._take(claims, "There were too many failed sign-ins.")
        return claims

    async def not_failed(self, claims: Sequence[Claim]) -> None:
        """Uncount an attempt to sign in."""
        await self._gcra.give_back(claims)

    async def is_recorded(self, address: str) -> bool:
        """Whether the audit, which keeps everything for ever, takes one more refusal of somebody not signed in."""
        claims = [
            Claim(key=f"unsigned-of:{network_of(address)}", rate=self._policy.unsigned_of_address),
            Claim(key="unsigned", rate=self._policy.unsigned),
        ]
        return await self._gcra.take(claims) is None

    async def _take(self, claims: Sequence[Claim], detail: str) -> None:
        refusal = await self._gcra.take(claims)
        if refusal is None:
            return
        await self._holding.hold()
        seconds = max(1, math.ceil(refusal.retry_seconds))
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            detail,
            code="too_many_requests",
            remedy=f"Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


def network_of(address: str) -> str:
    """The address itself, or the /64 network that one customer has of IPv6; `local` where there is none."""
    if not address:
        return "local"
    found = ip_address(address)
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)


def _digest(account: str) -> str:
    """No e-mail address is a key in Redis.

    Whatever the ledger takes for the same account has the same key: PostgreSQL's `lower` makes an `i` of the letter
    with a dot, too. Accents are left out, so that some accounts share a count.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", account).casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter)).strip()
    return hashlib.sha256(bare.encode("utf-8", "replace")).hexdigest()[:32]
