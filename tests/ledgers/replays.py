"""Refused rows of a run that nothing was made of, and a replay that writes them."""

from __future__ import annotations

from uuid import UUID, uuid4

from shared.core.ids import BatchRef
from shared.core.states import LoadMode, RunKind, RunState
from shared.ledger.quarantine import Resolution
from shared.ledger.resolving import resolve_rows, waiting_keys
from shared.ledger.runs import NewRun
from shared.ledger.settling import Claim, claim_batch
from tests.ledgers.ledger import Ledger, PlannedMapping

MOST = 1_000
INSERT = """
insert into transfuse.quarantine
    (id, run_id, mapping, pass, seq, generation, stage, reasons, target_key, sealed_key, sealed_row)
values ($1, $2, $3, $4, $5, $6, 'load', '[]', $7, '', '')
"""


async def quarantine(ledger: Ledger, batch: BatchRef, rows: int) -> None:
    """So many refused rows of a settled batch."""
    place = (batch.run, batch.mapping, batch.pass_number, batch.seq, batch.generation)
    await ledger.connection.executemany(INSERT, [(uuid4(), *place, uuid4()) for _ in range(rows)])


async def waiting(ledger: Ledger, run: UUID) -> int:
    """Refused rows of a run that wait."""
    sql = "select count(*) from transfuse.quarantine where run_id = $1 and resolution = ''"
    return int(await ledger.connection.fetchval(sql, run))


async def replay(ledger: Ledger, migration: str, about: UUID, mapping: str) -> None:
    """A replay of one mapping's rows in a batch whose first loader dies, and which comes once more after it settled."""
    run = await ledger.runs.create(
        NewRun(
            migration=migration,
            plan_hash=f"hash of {migration}",
            actor="tester",
            transfuse_version="0",
            kind=RunKind.REPLAY,
            mode=LoadMode.MERGE,
            about=about,
        )
    )
    await ledger.plan(run, PlannedMapping(name=mapping))
    batch = BatchRef(run=run, mapping=mapping, seq=1, generation=1)
    before = await waiting(ledger, about)
    assert await _resolve(ledger, batch, dies=True) is Claim.CLAIMED
    assert await waiting(ledger, about) == before
    assert await _resolve(ledger, batch, dies=False) is Claim.CLAIMED
    assert await ledger.settle(batch) is Claim.CLAIMED
    assert await ledger.settle(batch) is Claim.SETTLED
    for state in (RunState.FINISHING, RunState.COMPLETED):
        await ledger.connection.execute("update transfuse.run set state = $2 where id = $1", run, state)


async def _resolve(ledger: Ledger, batch: BatchRef, *, dies: bool) -> Claim:
    async with ledger.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        claim = await claim_batch(connection, batch)
        await resolve_rows(connection, batch, {Resolution.REPLAYED: await waiting_keys(connection, batch, MOST)})
        await (transaction.rollback() if dies else transaction.commit())
        return claim
