"""Retention over histories that nobody thought of: figures, unresolved rows and undo records stay as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.ledger.progress import Progress
from shared.ledger.retention import Retention
from tests.ledgers.ledger import Ledger, made_database, opened_ledger

MAPPINGS = ("doctors", "patients", "visits")
ENDS = ("completed", "failed", "cancelled")
RESOLUTIONS = ("", "replayed", "discarded")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One refused row of a batch."""

    resolution: str
    codes: tuple[str, ...]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One batch."""

    mapping: str
    state: str
    loaded: int
    manifested: bool
    sealed: bool
    warned: bool
    refused: tuple[Refusal, ...]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """One run that ended."""

    state: str
    mode: str
    parts: tuple[Part, ...]
    has_body: bool


REFUSALS = st.builds(
    Refusal,
    resolution=st.sampled_from(RESOLUTIONS),
    codes=st.lists(st.sampled_from(("too_long", "absent")), min_size=1, max_size=2, unique=True).map(tuple),
)
PARTS = st.builds(
    Part,
    mapping=st.sampled_from(MAPPINGS),
    state=st.sampled_from(("settled", "settled", "settled", "planned", "failed", "split")),
    loaded=st.integers(0, 9),
    manifested=st.booleans(),
    sealed=st.booleans(),
    warned=st.booleans(),
    refused=st.lists(REFUSALS, max_size=2).map(tuple),
)
RUNS = st.builds(
    Ended,
    state=st.sampled_from(ENDS),
    mode=st.sampled_from(("insert", "insert", "check")),
    parts=st.lists(PARTS, max_size=5).map(tuple),
    has_body=st.booleans(),
)


async def write(connection: asyncpg.Connection, migration: UUID, age: int, ended: Ended) -> UUID:
    """A run as it stands in the ledger when it is over."""
    run = uuid4()
    await connection.execute(
        """insert into transfuse.run
               (id, migration_id, kind, mode, state, actor, plan_hash, transfuse_version, created_at)
           values ($1, $2, 'migrate', $3, $4, 'tester', 'h', '0', now() - make_interval(hours => $5))""",
        *(run, migration, ended.mode, ended.state, age),
    )
    await connection.execute("insert into transfuse.run_key (run_id, wrapped) values ($1, 'k')", run)
    await connection.execute(
        "select transfuse.append_event($1, 'drift', '{}'), transfuse.append_event($1, 'x', '{}')", run
    )
    if ended.has_body:
        await connection.execute(
            "insert into transfuse.body values (gen_random_uuid(), $1, 'doctors', 1, 1, 1, 'b')", run
        )
    for name in sorted({part.mapping for part in ended.parts}):
        await connection.execute(
            "insert into transfuse.run_mapping (run_id, mapping, position, from_rows) values ($1, $2, 0, 9)",
            *(run, name),
        )
    for seq, part in enumerate(ended.parts):
        await write_part(connection, run, seq, part)
    return run


async def write_part(connection: asyncpg.Connection, run: UUID, seq: int, part: Part) -> None:
    """A batch with its manifest and its refused rows; only a settled one has any."""
    settled = part.state == "settled"
    refused = part.refused if settled else ()
    loaded = part.loaded if settled else 0
    warnings = '[{"code": "cut", "column": "name", "count": 3}]' if part.warned else "[]"
    await connection.execute(
        """insert into transfuse.batch
               (run_id, mapping, seq, state, bounds, bounds_sealed, read_count, loaded, quarantined, warnings,
                dispatched_at, settled_at)
           values ($1, $2, $3, $4, 'b', $5, $6, $7, $8, $9::text::jsonb, now() - interval '1 minute',
                   case when $4 = 'settled' then now() end)""",
        *(run, part.mapping, seq, part.state, part.sealed, loaded + len(refused), loaded, len(refused), warnings),
    )
    if settled and part.manifested:
        await connection.execute(
            """insert into transfuse.manifest values ($1, $2, 1, $3, 1, pg_current_xact_id(), 'w', '', '', '')""",
            *(run, part.mapping, seq),
        )
    for row in refused:
        reasons = msgspec.json.encode([{"code": code, "column": "name"} for code in row.codes]).decode()
        await connection.execute(
            """insert into transfuse.quarantine
                   (id, run_id, mapping, pass, seq, generation, stage, reasons, sealed_key, sealed_row, resolution)
               values (gen_random_uuid(), $1, $2, 1, $3, 1, 'load', $4::text::jsonb, 'k', 'r', $5)""",
            *(run, part.mapping, seq, reasons, row.resolution),
        )


async def kept(ledger: Ledger, runs: list[UUID]) -> Mapping[str, Any]:
    """All that must be the same before and after."""
    connection = ledger.connection
    progress = Progress(ledger.pool)
    snapshots = [await progress.read(run) for run in runs]
    return {
        "figures": [msgspec.structs.replace(found, read_at=found.created_at) for found in snapshots],
        "unresolved": await connection.fetch("select * from transfuse.quarantine where resolution = '' order by id"),
        "their batches": await connection.fetch(
            """select b.* from transfuse.batch b
                where exists (select from transfuse.quarantine q
                               where (q.run_id, q.mapping, q.pass, q.seq) = (b.run_id, b.mapping, b.pass, b.seq)
                                 and q.resolution = '') order by run_id, mapping, pass, seq"""
        ),
        "undo records": await connection.fetch(
            """select f.* from transfuse.manifest f
                where f.run_id = (select transfuse.run_with_undo_records(r.migration_id, f.mapping)
                                    from transfuse.run r where r.id = f.run_id)
                order by run_id, mapping, pass, seq"""
        ),
        "states": await connection.fetch(
            "select run_id, seq, at, kind, detail from transfuse.run_event where kind = 'state' and run_id = any ($1)"
            " order by run_id, seq",
            runs,
        ),
    }


FILLED = """
insert into transfuse.run (id, migration_id, kind, mode, state, actor, plan_hash, transfuse_version, created_at)
select gen_random_uuid(), $1, 'migrate', 'insert', state, 'tester', 'h', '0', now() - make_interval(mins => n)
  from (values ('completed', 10), ('failed', 50)) as s (state, runs), generate_series(1, runs) n
"""
"""As many runs as retention keeps whole, none of which has moved a row."""


async def check(ledger: Ledger, old: list[Ended], young: list[Ended], most_rows: int) -> None:
    """One history: eldest runs that are beyond retention, as many as it keeps, and the youngest."""
    connection = ledger.connection
    migration = uuid4()
    await connection.execute(
        "insert into transfuse.migration (id, name, plan_name) values ($1, $2, 'clinic')", migration, str(migration)
    )
    await connection.execute(FILLED, migration)
    ages = [*reversed(range(100, 100 + len(old))), *([0] * len(young))]
    runs = [await write(connection, migration, age, run) for age, run in zip(ages, [*old, *young], strict=True)]
    before = await kept(ledger, runs)
    retention = Retention(ledger.pool, most_rows=most_rows)
    looked = await retention.outlook()
    removed = await retention.clean(actor="tester", transfuse_version="0")
    assert [(item.run, item.details) for item in removed] == [(item.run, item.details) for item in looked]
    assert {item.run for item in removed} <= set(runs[: len(old)])
    assert await kept(ledger, runs) == before
    sealed_without_a_key = await connection.fetchval(
        """select count(*) from (select run_id from transfuse.quarantine union all select run_id from transfuse.manifest
                                 union all select run_id from transfuse.batch where bounds_sealed) s
            where not exists (select from transfuse.run_key k where k.run_id = s.run_id)"""
    )
    assert sealed_without_a_key == 0
    assert await retention.outlook() == ()
    assert await retention.clean(actor="tester", transfuse_version="0") == ()
    assert await kept(ledger, runs) == before


@pytest.fixture(scope="module")
def runner() -> Any:  # noqa: ANN401 - a generator fixture
    with asyncio.Runner() as made:
        yield made


def test_whatever_the_history_nothing_is_lost_but_bulk_details(postgres_server: str, runner: asyncio.Runner) -> None:
    database = made_database(postgres_server)
    opened = opened_ledger(runner.run(database.__aenter__()))
    ledger = runner.run(opened.__aenter__())
    runner.run(
        ledger.connection.execute(
            "insert into transfuse.plan (hash, name, version, files) values ('h', 'clinic', 1, '{}')"
        )
    )

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(
        old=st.lists(RUNS, min_size=1, max_size=3),
        young=st.lists(RUNS, max_size=2),
        most_rows=st.integers(1, 3),
    )
    def holds(old: list[Ended], young: list[Ended], most_rows: int) -> None:
        runner.run(check(ledger, old, young, most_rows))

    try:
        holds()
    finally:
        runner.run(opened.__aexit__(None, None, None))
        runner.run(database.__aexit__(None, None, None))
