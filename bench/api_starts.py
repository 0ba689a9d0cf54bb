"""How long starting a run takes."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from uuid import uuid4

import msgspec

from bench.api_reads import Timed, timed
from bench.clients import Answered, Client
from services.gateway.documents.migrations import MigrationDocument, MigrationList
from shared.ledger.register import ShownState

ROUNDS = 2
ACTIVE = {ShownState.RUNNING, ShownState.PENDING}


async def time_starts(users: Iterator[Client]) -> Timed:
    """Start every idle migration, twice; what was started is cancelled after each round."""
    answers = list[Answered]()
    for _ in range(ROUNDS):
        idle = [one for one in await _migrations(next(users)) if one.status not in ACTIVE]
        for migration in idle:
            body = {"migrationId": str(migration.id), "options": {"batchSize": 10_000, "priority": "LOW"}}
            headers = {"Idempotency-Key": str(uuid4())}
            answers.append(await next(users).ask("POST", "/api/migrations/start", body=body, more=headers))
        for migration in idle:
            cancelled = await next(users).ask("POST", f"/api/migrations/{migration.id}/cancel")
            if cancelled.status != HTTPStatus.OK:
                raise RuntimeError(f"a run could not be cancelled: {cancelled.status}")
    return timed("POST /api/migrations/start", [one.seconds for one in answers], [one.status for one in answers])


async def _migrations(user: Client) -> tuple[MigrationDocument, ...]:
    answer = await user.ask("GET", "/api/migrations?limit=200")
    return msgspec.json.decode(answer.content, type=MigrationList).migrations
