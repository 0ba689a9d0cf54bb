from fakeredis import FakeServer

from transfuse.embedded.redis import embedded_redis


async def test_clients_of_one_server_see_the_same_keys() -> None:
    server = FakeServer()
    await embedded_redis(server).set("name", "value")
    assert await embedded_redis(server).get("name") == b"value"
    assert await embedded_redis().get("name") is None
