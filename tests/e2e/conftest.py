"""Servers for whole runs."""

from __future__ import annotations

import pytest

from tests.harness.servers import Servers


@pytest.fixture(scope="session")
def servers(postgres_server: str, rabbitmq_url: str, tmp_path_factory: pytest.TempPathFactory) -> Servers:
    """PostgreSQL and RabbitMQ, and a folder for each installation."""
    return Servers(postgres=postgres_server, rabbitmq=rabbitmq_url, folder=lambda: tmp_path_factory.mktemp("home"))
