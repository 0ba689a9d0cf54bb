"""The figures of every limit, in one place."""

from __future__ import annotations

import msgspec


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """`count` requests in `seconds`, of which `burst` may come at once after a pause."""

    count: int
    seconds: float = 1.0
    burst: int

    @property
    def interval_seconds(self) -> float:
        """The time that one request uses up."""
        return self.seconds / self.count


class LimitPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Who may ask how often.

    `address` counts every request of an IPv4 address or IPv6 /64 network, signed in or not: five people of one clinic
    behind one address at their own limit. `starts` counts attempts to start a run. `sign_ins_*` count failures only.
    `unsigned_*` count what the audit keeps of refusals of people who are not signed in, of one address and of all.
    A refusal is told after `hold_seconds`, for `most_held` at a time: asking again at once does not crowd out others.
    """

    user: Rate = Rate(count=20, burst=40)
    address: Rate = Rate(count=100, burst=200)
    starts: Rate = Rate(count=10, seconds=60, burst=10)
    sign_ins_of_address: Rate = Rate(count=5, seconds=60, burst=5)
    sign_ins_of_account: Rate = Rate(count=5, seconds=60, burst=5)
    unsigned_of_address: Rate = Rate(count=60, seconds=60, burst=60)
    unsigned: Rate = Rate(count=300, seconds=60, burst=600)
    hold_seconds: float = 0.5
    most_held: int = 200


def unlimited() -> LimitPolicy:
    """A policy that nobody reaches, for tests and measurements of other things."""
    much = Rate(count=1_000_000, burst=1_000_000)
    return LimitPolicy(
        user=much,
        address=much,
        starts=much,
        sign_ins_of_address=much,
        sign_ins_of_account=much,
        unsigned_of_address=much,
        unsigned=much,
    )
