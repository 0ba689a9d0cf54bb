"""What one client and all of them may take from a notifier; every figure in one place."""

from __future__ import annotations

import msgspec

from services.notifier.bucket import Pace


class SocketLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Times are in seconds.

    Events beyond `events` are answered with `too_many_requests`. Beyond `refusals` of those the connection ends, and so
    it does beyond `frames` of whatever kind: who sends so many does not listen to answers. `waiting_packets` is how far
    a client may fall behind before it is cut off; it comes back and gets the newest snapshot.
    """

    events: Pace = Pace(per_second=10, burst=20)
    refusals: Pace = Pace(per_second=1, burst=100)
    frames: Pace = Pace(per_second=25, burst=100)
    frame_bytes: int = 16 * 1024
    connections: int = 5_000
    connections_not_admitted: int = 500
    connections_per_user: int = 20
    rooms_per_connection: int = 50
    waiting_packets: int = 64
    admission: float = 10.0
    answer: float = 5.0
    ping_interval: float = 20.0
    ping_timeout: float = 20.0
    deny_list: float = 10.0
