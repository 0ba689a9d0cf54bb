"""The settlement of a batch: its claim, counts, manifest and quarantined rows, all in the transaction of its rows."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import asyncpg
import msgspec

from shared.core.counts import Counts
from shared.core.errors import RunError
from shared.core.ids import BatchRef
from shared.core.redaction import Masked
from shared.core.run_options import RunOptions
from shared.core.states import LoadMode, Stage
from shared.ledger.bodies import BODY_STAGES, body_id
from shared.messages.data import Reason, Warned
from shared.plan.model import QuarantineLimit
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "settling.sql")


class Claim(StrEnum):
    """What became of the attempt to claim a batch.

    CLAIMED: this transaction may settle it. HELD: somebody changes the run's state right now, ask again. DROPPED: the
    run is over or going, or the message is of another generation, or the batch failed or was split. TAKEN: another
    transaction is settling it. SETTLED: it is done, this is a duplicate.
    """

    CLAIMED = "claimed"
    HELD = "held"
    DROPPED = "dropped"
    TAKEN = "taken"
    SETTLED = "settled"


class Loading(msgspec.Struct, frozen=True, kw_only=True):
    """What the loader needs of a planned run: msgpack of its `CompiledPlan`, its data key, wrapped."""

    compiled: bytes
    mode: LoadMode
    options: RunOptions = RunOptions()
    transfuse_version: str
    wrapped_key: bytes


class QuarantinedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row for quarantine, sealed under its own id.

    `target_key` has 16 bytes or none; `waits_for` names the mapping of a missing parent.
    """

    id: UUID
    stage: Stage
    reasons: tuple[Reason, ...]
    target_key: bytes
    sealed_key: bytes
    sealed_row: bytes
    masked: dict[str, Masked | str | None]
    waits_for: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Keys of a batch by outcome, 16 bytes each, every list sealed: `written` were inserted, `updated` there before.

    `former` holds the rows as they were, `placeholders` what was made for missing parents, see `shared.ledger.former`;
    `sums` those of the columns that are to be proven, see `shared.ledger.proofs`.
    """

    written: bytes
    unchanged: bytes
    filtered: bytes
    quarantined: bytes
    updated: bytes = b""
    former: bytes | None = None
    placeholders: bytes | None = None
    sums: bytes | None = None


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """All that the ledger keeps of a batch. One that was `compared` counts refused rows and puts none aside."""

    batch: BatchRef
    counts: Counts
    warned: tuple[Warned, ...]
    manifest: Manifest
    quarantined: tuple[QuarantinedRow, ...]
    compared: bool = False


async def read_loading(connection: asyncpg.Connection, run: UUID) -> Loading | None:
    """A planned run, None where there is none or it is not planned yet."""
    row = await connection.fetchrow(SQL["loading"], run)
    if row is None:
        return None
    return Loading(
        compiled=row["compiled"],
        mode=LoadMode(row["mode"]),
        options=msgspec.json.decode(row["options"], type=RunOptions),
        transfuse_version=row["transfuse_version"],
        wrapped_key=row["wrapped"],
    )


async def claim_batch(connection: asyncpg.Connection, batch: BatchRef) -> Claim:
    """Claim a batch until the end of the transaction: the run's lock is taken shared, the batch's row locked."""
    return Claim(await connection.fetchval(SQL["claim"], *_identity(batch)))


async def settle_batch(connection: asyncpg.Connection, settlement: Settlement) -> None:
    """Write counts, manifest and quarantine of a claimed batch, mark it settled and drop the bodies kept of it.

    Raises RunError when the counts do not balance or the batch was not claimed: the transaction must not commit.
    """
    counts, manifest, identity = settlement.counts, settlement.manifest, _identity(settlement.batch)
    aside = 0 if settlement.compared else counts.quarantined
    if not counts.balances or aside != len(settlement.quarantined):
        raise RunError(f"A batch of {settlement.batch.mapping} does not balance.", code="unbalanced")
    settled = await connection.fetchval(
        SQL["settle"],
        *identity,
        *(counts.read, counts.loaded, counts.updated, counts.unchanged, counts.merged, counts.filtered),
        *(counts.quarantined, counts.deleted, counts.different),
        _json([{**msgspec.to_builtins(w.reason), "count": w.count} for w in settlement.warned]),
        *(manifest.written, manifest.unchanged, manifest.filtered, manifest.quarantined, manifest.updated),
        [body_id(settlement.batch, stage) for stage in BODY_STAGES],
        *(manifest.former, manifest.placeholders, manifest.sums),
    )
    if settled != 1:
        raise RunError(f"A batch of {settlement.batch.mapping} was settled without a claim.", code="not_claimed")
    if settlement.quarantined:
        await _quarantine(connection, settlement)


async def latest_run_of(connection: asyncpg.Connection, run: UUID, mapping: str) -> UUID | None:
    """The run whose manifests tell what became of a mapping's rows: this one, else the latest that loaded it."""
    found: UUID | None = await connection.fetchval(SQL["latest_run_of"], run, mapping)
    return found


async def quarantined_among(
    connection: asyncpg.Connection, run: UUID, mapping: str, keys: frozenset[bytes]
) -> frozenset[bytes]:
    """Those of some 16-byte target keys that the run quarantined."""
    wanted = [UUID(bytes=key) for key in keys]
    rows = await connection.fetch(SQL["quarantined_among"], run, mapping, wanted)
    return frozenset(row["target_key"].bytes for row in rows)


async def filtered_keys(connection: asyncpg.Connection, run: UUID, mapping: str) -> tuple[tuple[BatchRef, bytes], ...]:
    """Sealed lists of the keys that a mapping filtered, with the batch that each is bound to."""
    return tuple(
        (BatchRef(run=run, mapping=mapping, seq=row["seq"], generation=0), row["filtered"])
        for row in await connection.fetch(SQL["filtered_keys"], run, mapping)
    )


async def pause_beyond(connection: asyncpg.Connection, batch: BatchRef, limit: QuarantineLimit) -> bool:
    """Pause the batch's mapping when it quarantined more rows than its limit; whether this call paused it.

    The limit is the larger of its rows and its share of the rows read, counted beyond what a resume accepted.
    """
    mapping = (batch.run, batch.mapping, batch.pass_number)
    found = await connection.fetchrow(SQL["quarantined_beyond"], *mapping, limit.rows, limit.share)
    if found is None or found["beyond"] <= found["allowed"]:
        return False
    reasons = await connection.fetch(SQL["top_reasons"], *mapping)
    most = ", ".join(f"{' '.join(filter(None, (row['code'], row['column'])))} {row['count']}" for row in reasons)
    message = f"{found['beyond']} rows are quarantined, the limit is {found['allowed']}. Most of all: {most}."
    paused = await connection.fetchval(SQL["limit_mapping"], *mapping, limit.rows, limit.share, message)
    return paused is not None


async def _quarantine(connection: asyncpg.Connection, settlement: Settlement) -> None:
    rows = settlement.quarantined
    await connection.execute(
        SQL["quarantine"],
        *_identity(settlement.batch),
        [row.id for row in rows],
        [row.stage.value for row in rows],
        [_json(row.reasons) for row in rows],
        [UUID(bytes=row.target_key) if row.target_key else None for row in rows],
        [row.sealed_key for row in rows],
        [row.sealed_row for row in rows],
        [_json(row.masked) for row in rows],
        [row.waits_for for row in rows],
    )


def _identity(batch: BatchRef) -> tuple[UUID, str, int, int, int]:
    return batch.run, batch.mapping, batch.pass_number, batch.seq, batch.generation


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
