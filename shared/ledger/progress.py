"""Reads how far a run is."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import msgspec

from shared.core.counts import Counts, MappingBalance
from shared.core.errors import Refused
from shared.core.states import FINAL, Brought, RunKind, RunState
from shared.core.sums import ProvenSum
from shared.ledger.snapshots import (
    BatchCounts,
    BroughtInCount,
    FindingCounts,
    MappingSnapshot,
    Notice,
    Pace,
    Phase,
    QuarantineCount,
    ResolvedCount,
    RunEvent,
    RunSnapshot,
    WarningCount,
)
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "progress.sql")
RATE_SECONDS = 10.0
PACE_SECONDS = 600.0
RUNS_KNOWN = 256
BROUGHT = frozenset(kind.value for kind in Brought)
"""Codes that are counted beside the warnings, and warn of nothing."""
_MAPPING_FIELDS = (
    "mapping",
    "pass_number",
    "state",
    "position",
    "depends_on",
    "driving_rows",
    "from_rows",
    "estimated",
)
_MAPPING_TIMES = ("started_at", "settled_at", "reason", "message")
_RUN_FIELDS = (
    *("migration_id", "migration", "plan_name", "plan_hash", "kind", "mode", "state", "reason", "message", "remedy"),
    *("snapshot_count", "created_at", "started_at", "finished_at", "moved_at", "read_at"),
    *("plan_version", "actor", "priority", "snapshot_at"),
)


class Progress:
    """Snapshots of runs, each read in one read-only transaction at one moment. Raises Refused `unknown_run`.

    Quarantine and warnings are counted again only when rows came in since the last reading of the run, as far as the
    last RUNS_KNOWN runs are concerned.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reasons: dict[UUID, _Reasons] = {}

    async def read(self, run: UUID) -> RunSnapshot:
        """The run now."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            found = await connection.fetchrow(SQL["run"], run)
            if found is None:
                raise Refused(
                    f"There is no run {run}.", remedy="List the runs to see those there are.", code="unknown_run"
                )
            rows = await connection.fetch(SQL["mappings"], run, RATE_SECONDS, found["read_at"])
            mappings = tuple(_mapping(row, found) for row in rows)
            reasons = await self._read_reasons(connection, run, mappings)
            life = _life(await connection.fetch(SQL["life"], run))
            pace = await _read_pace(connection, found, life.phases)
            resolved = await _read_resolved(connection, found, mappings)
            findings = await _read_findings(connection, found)
        snapshot = _snapshot(found, mappings, reasons, life, pace)
        return msgspec.structs.replace(snapshot, resolved=resolved, findings=findings)

    async def balance(self, run: UUID) -> tuple[MappingBalance, ...]:
        """The balance of every mapping; one whose rows were not counted yet does not balance."""
        return (await self.read(run)).balances

    async def latest(self, migration: str | None = None) -> UUID | None:
        """The youngest run that is more than a preflight or a pass of retention, of one migration or of all."""
        async with self._pool.acquire() as connection:
            found: UUID | None = await connection.fetchval(SQL["latest_run"], migration)
            return found

    async def events(self, run: UUID, *, after: int = 0, limit: int = 1000) -> tuple[RunEvent, ...]:
        """The run's history, oldest first, from the event that follows number `after`."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(SQL["events"], run, after, limit)
        return tuple(msgspec.convert({**row, "detail": msgspec.json.decode(row["detail"])}, RunEvent) for row in rows)

    async def _read_reasons(
        self, connection: asyncpg.Connection, run: UUID, mappings: tuple[MappingSnapshot, ...]
    ) -> _Reasons:
        settled = sum(mapping.batches.settled for mapping in mappings)
        quarantined = sum(mapping.counts.quarantined for mapping in mappings)
        known = self._reasons.get(run, _Reasons())
        if known.settled == settled:
            return known
        warnings = await connection.fetch(SQL["warnings"], run)
        quarantine = known.quarantine
        if known.quarantined != quarantined:
            rows = await connection.fetch(SQL["quarantine"], run)
            quarantine = tuple(msgspec.convert(dict(row), QuarantineCount) for row in rows)
        known = _Reasons(
            settled=settled,
            quarantined=quarantined,
            warnings=tuple(msgspec.convert(dict(row), WarningCount) for row in warnings if row["code"] not in BROUGHT),
            brought_in=tuple(_brought_in(row) for row in warnings if row["code"] in BROUGHT),
            quarantine=quarantine,
        )
        self._reasons[run] = known
        while len(self._reasons) > RUNS_KNOWN:
            del self._reasons[next(iter(self._reasons))]
        return known


async def _read_resolved(
    connection: asyncpg.Connection, run: asyncpg.Record, mappings: tuple[MappingSnapshot, ...]
) -> tuple[ResolvedCount, ...]:
    """What became of refused rows; they are counted anew each time, for later runs and people decide about them."""
    if RunState(run["state"]) not in FINAL or not any(mapping.counts.quarantined for mapping in mappings):
        return ()
    rows = await connection.fetch(SQL["resolved"], run["id"])
    return tuple(msgspec.convert({name: value or 0 for name, value in row.items()}, ResolvedCount) for row in rows)


async def _read_findings(connection: asyncpg.Connection, run: asyncpg.Record) -> FindingCounts | None:
    if run["kind"] != RunKind.VERIFY or RunState(run["state"]) not in FINAL:
        return None
    return msgspec.convert(dict(await connection.fetchrow(SQL["findings"], run["id"])), FindingCounts)


def _brought_in(row: asyncpg.Record) -> BroughtInCount:
    return BroughtInCount(
        mapping=row["mapping"], kind=Brought(row["code"]), column=row["column"], row_count=row["row_count"]
    )


class _Reasons(msgspec.Struct, frozen=True, kw_only=True):
    """Warnings and quarantine as of so many settled batches and quarantined rows."""

    settled: int = 0
    quarantined: int = 0
    warnings: tuple[WarningCount, ...] = ()
    brought_in: tuple[BroughtInCount, ...] = ()
    quarantine: tuple[QuarantineCount, ...] = ()


class _Life(msgspec.Struct, frozen=True, kw_only=True):
    """The states of a run so far, and who last asked for one."""

    phases: tuple[Phase, ...]
    asked_by: str


def _life(rows: list[asyncpg.Record]) -> _Life:
    entered = [(RunState(row["state"]), row["at"]) for row in rows if row["state"] is not None]
    ends = [at for _, at in entered[1:]]
    phases = tuple(
        Phase(state=state, started_at=at, ended_at=ended)
        for (state, at), ended in zip(entered, [*ends, None], strict=False)
    )
    return _Life(phases=phases, asked_by=next((row["actor"] for row in reversed(rows) if row["actor"]), ""))


async def _read_pace(connection: asyncpg.Connection, run: asyncpg.Record, phases: tuple[Phase, ...]) -> Pace:
    """Rows settled in each whole interval, as far back as the run moves without a break; nothing while it does not."""
    interval = Pace().interval_seconds
    if RunState(run["state"]) is not RunState.RUNNING or not phases:
        return Pace()
    moving = (run["read_at"] - phases[-1].started_at).total_seconds()
    steps = int(min(moving, PACE_SECONDS) // interval)
    if steps <= 0:
        return Pace()
    rows = await connection.fetch(SQL["pace"], run["id"], run["read_at"], interval, steps * interval)
    settled = {row["steps_ago"]: row["row_count"] for row in rows}
    return Pace(interval_seconds=interval, rows=tuple(settled.get(step, 0) for step in reversed(range(steps))))


def _mapping(row: asyncpg.Record, run: asyncpg.Record) -> MappingSnapshot:
    """One mapping; its rate is over the last seconds, or over its whole time when its run has ended."""
    counts = Counts(**{name: row[name] for name in Counts.__struct_fields__})
    began, ended = row["started_at"], row["settled_at"]
    rate = 0.0
    if began is not None and ended is not None:
        if RunState(run["state"]) in FINAL:
            rate = counts.read / max((ended - began).total_seconds(), 0.001)
        else:
            span = min(RATE_SECONDS, (run["read_at"] - began).total_seconds())
            rate = row["recent"] / max(span, 0.001)
    return msgspec.convert(
        {
            **{name: row[name] for name in (*_MAPPING_FIELDS, *_MAPPING_TIMES)},
            "counts": counts,
            "batches": BatchCounts(**{name: row[name] for name in BatchCounts.__struct_fields__}),
            "rows_per_second": rate,
            "sums": msgspec.json.decode(row["sums"], type=tuple[ProvenSum, ...]),
        },
        MappingSnapshot,
    )


def _snapshot(
    run: asyncpg.Record, mappings: tuple[MappingSnapshot, ...], reasons: _Reasons, life: _Life, pace: Pace
) -> RunSnapshot:
    first = [mapping for mapping in mappings if mapping.pass_number == 1]
    counts = sum((mapping.counts for mapping in first), Counts())
    batches = sum((mapping.batches for mapping in mappings), BatchCounts())
    work_done = sum(mapping.counts.settled for mapping in mappings)
    work_total = sum(mapping.from_rows or 0 for mapping in mappings)
    rate = sum(mapping.rows_per_second for mapping in mappings)
    remaining = work_total - work_done
    running = RunState(run["state"]) is RunState.RUNNING
    if RunState(run["state"]) in FINAL and run["started_at"] is not None and run["finished_at"] is not None:
        rate = work_done / max((run["finished_at"] - run["started_at"]).total_seconds(), 0.001)
    return msgspec.convert(
        {
            **{name: run[name] for name in _RUN_FIELDS},
            "run": run["id"],
            "seq": batches.settled + run["last_event"],
            "mappings": mappings,
            "counts": counts,
            "batches": batches,
            "row_total": sum(mapping.from_rows or 0 for mapping in first),
            "rows_per_second": rate,
            "eta_seconds": remaining / rate if running and rate > 0 and remaining >= 0 else None,
            "warnings": reasons.warnings,
            "brought_in": reasons.brought_in,
            "quarantine": reasons.quarantine,
            "phases": life.phases,
            "asked_by": life.asked_by,
            "notices": msgspec.json.decode(run["notices"], type=tuple[Notice, ...]),
            "pace": pace,
        },
        RunSnapshot,
    )
