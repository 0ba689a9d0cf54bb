"""An extractor's handlers over a legacy database and a ledger, and runs of small plans."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from services.extractor.extraction import Extraction, Limits
from services.extractor.handlers import Handlers
from services.extractor.planner import Planner
from services.extractor.snapshot import SnapshotHolder
from services.extractor.streams import open_streams
from shared.core.ids import BatchRef
from shared.core.states import Stage
from shared.core.versions import own_versions
from shared.crypto.aad import batch_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger import planning
from shared.ledger.bodies import read_body
from shared.ledger.runs import NewRun
from shared.messages import ExtractBatch, Message, PlanRun, TransformBatch
from shared.postgres.pools import Session, open_pool
from shared.settings import PostgresAddress
from tests.ledgers.ledger import Ledger, batches

KEYRING = Keyring([b"k" * 32])
VERSIONS = own_versions()
LEGACY = """
create table person (id integer primary key, first_name text, email text, secret text);
create table contact (person_id integer, city text, is_primary boolean);
insert into person select g, 'Name ' || g, 'p' || g || '@example.org', 'secret ' || g from generate_series(1, 25) g;
insert into contact select g, 'City', true from generate_series(1, 25) g;
"""
TARGET = """
create table patients (id uuid primary key, legacy_id integer, first_name text, city text);
"""
FROM = "person AS p LEFT JOIN contact AS c ON c.person_id = p.id AND c.is_primary"
NAMESPACE = "8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10"
SECRET_NAMESPACE = "{secret: CLINIC}"
PLAN = """
transfuse: 1
name: clinic
namespace: {namespace}
mappings:
  - name: patients
    into: patients
    from: {from_}
    key: {key}
    excludes: {excludes}
    columns:
      id: key()
      legacy_id: p.id
      first_name: p.first_name
      city: c.city
    clear: [legacy_id]
"""


def plan_text(*, from_: str = FROM, key: str = "p.id", excludes: str = "none", namespace: str = NAMESPACE) -> str:
    """The small plan with another FROM clause or key."""
    return PLAN.format(from_=from_, key=key, excludes=excludes, namespace=namespace)


class Extractor:
    """One instance of the extractor, without a bus."""

    def __init__(self, ledger: Ledger, handlers: Handlers, holder: SnapshotHolder) -> None:
        self.ledger = ledger
        self.handlers = handlers
        self.holder = holder

    async def start(self, text: str, *, batch_rows: int = 10, **files: str) -> UUID:
        """A pending run of a plan."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        await self.ledger.runs.register_plan(name="clinic", hash=digest, files={"plan.yml": text, **files})
        await self.ledger.runs.register_migration("clinic", plan_name="clinic")
        options = {"batch_rows": batch_rows}
        return await self.ledger.runs.create(
            NewRun(
                migration="clinic",
                plan_hash=digest,
                actor="tester",
                transfuse_version=VERSIONS.transfuse,
                options=options,
            )
        )

    async def plan(self, run: UUID) -> list[Message]:
        """What the handler of PlanRun yields."""
        return [message async for message in self.handlers.plan(PlanRun(run=run))]

    async def planned(self, text: str, *, batch_rows: int = 10) -> UUID:
        """A run that was planned."""
        run = await self.start(text, batch_rows=batch_rows)
        await self.plan(run)
        return run

    async def dispatched(self, window: int = 100) -> list[BatchRef]:
        """Batches that the dispatcher issues now."""
        return batches(await self.ledger.dispatch(window=window).tick())

    async def extract(self, batch: BatchRef) -> list[Message]:
        """What the handler of ExtractBatch yields."""
        return [message async for message in self.handlers.extract(ExtractBatch(batch=batch))]

    async def rows(self, batch: BatchRef) -> bytes:
        """The opened body of the one message that an extraction yields."""
        (message,) = await self.extract(batch)
        assert isinstance(message, TransformBatch)
        assert message.batch == batch
        async with self.ledger.pool.acquire() as connection:
            key: RunKey = await planning.ensure_run_key(connection, KEYRING, batch.run)
            body = message.body if message.body_id is None else await read_body(connection, message.body_id)
        assert body is not None
        text = key.open_(body, batch_aad(batch, Stage.TRANSFORM))
        assert message.row_count == text.count(b"\n")
        return text

    async def outcome(self, run: UUID) -> tuple[str, str, str, str]:
        """State, reason, message and remedy of a run."""
        row = await self.ledger.connection.fetchrow(
            "select state, reason, message, remedy from transfuse.run where id = $1", run
        )
        return tuple(row)

    async def written(self) -> int:
        """Rows that planning left in the ledger."""
        found: int = await self.ledger.connection.fetchval(
            "select (select count(*) from transfuse.run_mapping) + (select count(*) from transfuse.batch)"
        )
        return found


@asynccontextmanager
async def opened_extractor(
    ledger: Ledger, legacy: PostgresAddress, *, login: PostgresAddress | None = None, limits: Limits | None = None
) -> AsyncIterator[Extractor]:
    """An extractor; `login` is its own role at the ledger, the ledger's owner if none is given."""
    async with (
        open_pool(login or ledger.address, "ledger", Session()) as ledger_pool,
        open_pool(legacy, "legacy", Session(read_only=True)) as legacy_pool,
        open_streams(legacy_pool) as streams,
    ):
        holder = SnapshotHolder(legacy)
        planner = Planner(
            ledger=ledger_pool, legacy=legacy_pool, holder=holder, keyring=KEYRING, instance="here",
            transfuse_version=VERSIONS.transfuse,
        )  # fmt: skip
        extraction = Extraction(
            ledger=ledger_pool, legacy=legacy_pool, streams=streams, keyring=KEYRING, limits=limits, versions=VERSIONS
        )
        try:
            yield Extractor(ledger, Handlers(ledger=ledger_pool, planner=planner, extraction=extraction), holder)
        finally:
            holder.close()
