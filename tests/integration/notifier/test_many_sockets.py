"""A tenth of `python -m bench sockets`: two notifiers as processes, real RabbitMQ and Redis."""

from __future__ import annotations

import pytest

from bench.sockets import Size, measure, tell, untrue_of


@pytest.mark.usefixtures("postgres_server", "rabbitmq_url", "redis_url")
async def test_a_hundred_sockets_hear_of_what_was_committed_and_of_nothing_else() -> None:
    measured = await measure(Size(notifiers=2, sockets=100, rooms=10, batches=4))
    tell(measured)
    assert untrue_of(measured) == []
    assert measured.events > measured.size.sockets
