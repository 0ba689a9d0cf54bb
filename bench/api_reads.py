"""How long each reading endpoint takes, one client at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus

import asyncpg
import msgspec

from bench.clients import Client, percentile
from services.gateway.api.endpoint import Endpoint
from services.gateway.resources.table import ENDPOINTS

WARM_UPS = 10
REQUESTS = 200
LEFT_OUT = {"/api/health": "asks for services that are not there"}


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of request took, in milliseconds; `wrong` counts answers that were not 2xx."""

    name: str
    count: int
    p50: float
    p95: float
    p99: float
    wrong: int


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to ask for: active runs among ended ones, migrations, plans."""

    runs: tuple[str, ...]
    migrations: tuple[str, ...]
    plans: tuple[str, ...]

    def paths(self, template: str) -> Sequence[str]:
        """The paths of a template that there is something at; none for a template that names something else."""
        names = re.findall(r"{(\w+)}", template)
        if not names:
            return [template]
        kinds: Mapping[str, tuple[str, ...]] = {"runs": self.runs, "migrations": self.migrations, "plans": self.plans}
        found = kinds.get(template.split("/")[2], ())
        return [template.replace(f"{{{names[0]}}}", place) for place in found] if len(names) == 1 else []


async def places(database: str) -> Places:
    """Every second of them an active run or its migration: what people look at."""
    connection = await asyncpg.connect(database)
    try:
        active = await connection.fetch(
            "select id::text, migration_id::text from transfuse.run where finished_at is null order by id"
        )
        ended = await connection.fetch(
            "select id::text, migration_id::text from transfuse.run where finished_at is not null and kind = 'migrate'"
            " order by md5(id::text) limit $1",
            len(active),
        )
        plans = await connection.fetch("select distinct name from transfuse.plan")
    finally:
        await connection.close()
    both = [row for pair in zip(active, ended, strict=True) for row in pair]
    return Places(
        runs=tuple(row["id"] for row in both),
        migrations=tuple(row["migration_id"] for row in both),
        plans=tuple(row["name"] for row in plans),
    )


async def time_reads(users: Iterator[Client], known: Places) -> list[Timed]:
    """Every GET of the table for which the ledger has something to show."""
    return [
        await _time(users, endpoint, paths)
        for endpoint in _reads()
        if (paths := known.paths(endpoint.path)) and endpoint.path not in LEFT_OUT
    ]


def not_timed(known: Places) -> list[str]:
    """The others, each with why."""
    return [
        f"{endpoint.path}: {LEFT_OUT.get(endpoint.path, 'the ledger has nothing for it')}"
        for endpoint in _reads()
        if endpoint.path in LEFT_OUT or not known.paths(endpoint.path)
    ]


def _reads() -> list[Endpoint]:
    return [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]


async def _time(users: Iterator[Client], endpoint: Endpoint, paths: Sequence[str]) -> Timed:
    for number in range(WARM_UPS):
        await next(users).ask("GET", paths[number % len(paths)])
    answers = [await next(users).ask("GET", paths[number % len(paths)]) for number in range(REQUESTS)]
    return timed(f"GET {endpoint.path}", [one.seconds for one in answers], [one.status for one in answers])


def timed(name: str, seconds: list[float], statuses: Sequence[int]) -> Timed:
    """Percentiles of what was measured."""
    return Timed(
        name=name,
        count=len(seconds),
        p50=percentile(seconds, 0.5),
        p95=percentile(seconds, 0.95),
        p99=percentile(seconds, 0.99),
        wrong=sum(not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES for status in statuses),
    )
