"""Whether everything answers, as the portal asks it: each system and service is connected or disconnected."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from shared.core.document import Document
from shared.status.board import HealthBoard


class Connection(StrEnum):
    """Whether something answers."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class Health(StrEnum):
    """Whether everything answers."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class ServicesHealth(Document, frozen=True, kw_only=True):
    """The systems around the services, and the services. `database` is the target."""

    database: Connection
    redis: Connection
    legacy_db: Connection
    rabbitmq: Connection
    extractor: Connection
    transformer: Connection
    loader: Connection
    notifier: Connection


class HealthDocument(Document, frozen=True, kw_only=True):
    """Healthy when everything is connected."""

    status: Health
    timestamp: datetime
    services: ServicesHealth


def health_document(board: HealthBoard, *, redis: bool, bus: bool, now: datetime) -> HealthDocument:
    """Health by the reports on the board, and by the own probes of Redis and the bus of whoever asks."""
    services = ServicesHealth(
        database=_word(board.reaches("target", service="loader")),
        redis=_word(redis),
        legacy_db=_word(board.reaches("legacy", service="extractor")),
        rabbitmq=_word(bus),
        extractor=_word(board.lives("extractor")),
        transformer=_word(board.lives("transformer")),
        loader=_word(board.lives("loader")),
        notifier=_word(board.lives("notifier")),
    )
    whole = all(getattr(services, name) is Connection.CONNECTED for name in services.__struct_fields__)
    return HealthDocument(status=Health.HEALTHY if whole else Health.UNHEALTHY, timestamp=now, services=services)


def _word(is_connected: bool) -> Connection:  # noqa: FBT001 - the one question
    return Connection.CONNECTED if is_connected else Connection.DISCONNECTED
