"""Redis of the embedded mode: in this process, gone with it."""

from fakeredis import FakeAsyncRedis, FakeServer


def embedded_redis(server: FakeServer | None = None) -> FakeAsyncRedis:
    """A client of `server`; clients of one server see the same keys, without one they share nothing."""
    return FakeAsyncRedis(server=server or FakeServer())
