"""The metrics of Transfuse, as constants. Labels are stages, outcomes, queues, mapping names: a bounded number."""

from __future__ import annotations

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Gauge, Histogram, generate_latest

BATCHES: Final = Counter("transfuse_batches", "Messages that a stage finished, by outcome.", ("stage", "outcome"))
"""Outcomes: done, failed (counted as an attempt), world (put back), cancelled (left unsettled)."""
STAGE_SECONDS: Final = Histogram(
    "transfuse_stage_seconds",
    "Time from taking a message to acknowledging it.",
    ("stage",),
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
IN_FLIGHT: Final = Gauge("transfuse_in_flight", "Messages being handled now.", ("stage",))
STAGE_BYTES: Final = Counter("transfuse_bytes", "Bytes of bodies taken and given by a stage.", ("stage", "direction"))
ROWS: Final = Counter("transfuse_rows", "Rows settled, by mapping and outcome.", ("mapping", "outcome"))
DUPLICATES: Final = Counter("transfuse_duplicate_batches", "Load messages of batches that were settled already.")
PUBLISHES: Final = Counter("transfuse_publishes", "Messages given to the bus, by outcome.", ("queue", "outcome"))
"""Outcomes: confirmed, full (refused for want of room, tried again), failed."""
PUBLISH_SECONDS: Final = Histogram(
    "transfuse_publish_seconds",
    "Time until the bus confirmed a message.",
    ("queue",),
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 30),
)
REDELIVERIES: Final = Counter("transfuse_redeliveries", "Messages handed out more than once.", ("queue",))
RECONNECTS: Final = Counter("transfuse_reconnects", "Connections to the bus that had to be made again.", ("purpose",))
UNREADABLE: Final = Counter("transfuse_unreadable_messages", "Messages that did not decode.", ("queue",))
EVENTS_DROPPED: Final = Counter("transfuse_events_dropped", "Events dropped for a slow subscriber.")
WORLD_DOWN: Final = Gauge("transfuse_world_down", "1 while a stage waits for the world.", ("stage",))
WORLD_SECONDS: Final = Counter("transfuse_world_wait_seconds", "Time spent waiting for the world.", ("stage",))
READY: Final = Gauge("transfuse_ready", "1 while a service is ready.", ("service",))
HTTP_REQUESTS: Final = Counter(
    "transfuse_http_requests", "Requests answered, by the template of their route.", ("method", "route", "status")
)
"""Status 499: nobody waited for the answer."""
HTTP_SECONDS: Final = Histogram(
    "transfuse_http_request_seconds",
    "Time until a request was answered.",
    ("method", "route"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30),
)
SOCKETS: Final = Gauge("transfuse_sockets", "Clients that are connected to this notifier.")
SOCKETS_ENDED: Final = Counter(
    "transfuse_sockets_ended", "Clients that this notifier refused, dropped or cut off.", ("reason",)
)


def render() -> tuple[bytes, str]:
    """The body of /metrics and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
