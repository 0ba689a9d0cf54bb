"""The sums of a finished run: those of the legacy server, those that were sent, and those that the target has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import asyncpg
import msgspec

from services.loader.body import KEY_BYTES
from services.loader.copy_rows import HEADER, TRAILER
from services.loader.transaction import told, transaction
from shared.core.errors import RunError
from shared.core.states import LoadMode, RunKind
from shared.core.sums import ProvenSum, SentSums, Sum, SumState, added
from shared.crypto.envelope import RunKey
from shared.ledger.proofs import (
    RunToProve,
    opened,
    run_to_prove,
    settled_batches,
    source_sums,
    write_proof,
)
from shared.ledger.reports import report_run_step
from shared.plan.compiled import CompiledMapping, CompiledPlan
from shared.postgres.identifiers import Identifier
from shared.postgres.sql_files import load_sql

SQL = load_sql("services.loader", "proof.sql")
KINDS = frozenset({RunKind.MIGRATE, RunKind.VALIDATE, RunKind.DIFFERENTIAL, RunKind.REPLAY})
MODES = frozenset({LoadMode.INSERT, LoadMode.MERGE, LoadMode.PATCH, LoadMode.CHECK})
"""Runs that send rows. A dry run leaves none in the target, so that its sums end with what was sent."""
ROW_START = (1).to_bytes(2, "big") + KEY_BYTES.to_bytes(4, "big")
UUID_TYPE = "uuid"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one column: `source` and `target` may be None, with why in `reasons`."""

    sent: SentSums
    source: Sum | None
    target: Sum | None
    reasons: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether two figures contradict each other."""
        return (self.source is not None and not self.source.agrees(self.sent.all)) or (
            self.target is not None and not self.target.agrees(self.sent.loaded)
        )

    @property
    def is_strange(self) -> bool:
        """Whether there is NaN or infinity among the values."""
        return any(one is not None and one.strange for one in (self.source, self.sent.all, self.target))


async def prove_sums(
    connection: asyncpg.Connection, run: UUID, plan: CompiledPlan, key: RunKey
) -> dict[str, tuple[ProvenSum, ...]]:
    """Compare the sums of every mapping that wants it and keep what was found; by mapping.

    Raises WorldError, and RunError where the run or its seals are broken.
    """
    wanted = [mapping for mapping in plan.mappings if mapping.load.proof_sums]
    if not wanted:
        return {}
    with told("reading what a run is"):
        about = await run_to_prove(connection, run)
    if about.kind not in KINDS or about.mode not in MODES:
        return {}
    found = {}
    for mapping in wanted:
        with told(f"comparing the sums of {mapping.name}"):
            await report_run_step(connection, run)
        figures = await _figures(connection, run, mapping, key, about)
        found[mapping.name] = tuple(proven(one) for one in figures)
        with told(f"keeping the sums of {mapping.name}"):
            await write_proof(connection, run, mapping.name, found[mapping.name])
    return found


def failure_of(found: dict[str, tuple[ProvenSum, ...]]) -> RunError | None:
    """The error of a run whose sums differ, with all of them that may be told; None where they do not."""
    wrong = [(name, one) for name, sums in found.items() for one in sums if one.state is SumState.DIFFERS]
    if not wrong:
        return None
    return RunError(
        "Sums differ: " + "; ".join(_told(name, one) for name, one in wrong) + ".",
        code="proof_differs",
        remedy="Look for what changes these amounts: a trigger of the target, another writer, the plan's expression.",
    )


def proven(figures: Figures) -> ProvenSum:
    """What may be told of a column. Where few values make up a part, what it could be computed from is left out too."""
    sent = figures.sent
    parts = {"refused": sent.refused, "filtered": sent.filtered, "aside": sent.aside}
    totals = {"source": figures.source, "loaded": sent.loaded, "target": figures.target}
    all_safe = all(part.is_safe for part in parts.values())
    shown = {name: part for name, part in parts.items() if part.values and part.is_safe}
    shown |= {
        name: total
        for name, total in totals.items()
        if total is not None and total.is_safe and (all_safe or name == "source")
    }
    known = sum(total is not None for total in totals.values()) + sum(part.values > 0 for part in parts.values())
    return ProvenSum(
        column=sent.column,
        state=_state(figures),
        reason=", ".join((*figures.reasons, *(("not_a_number",) if figures.is_strange else ()))),
        withheld=len(shown) < known,
        **{name: _text(part.total) for name, part in shown.items()},
    )


def _state(figures: Figures) -> SumState:
    if figures.differs:
        return SumState.DIFFERS
    compared = figures.source is not None or figures.target is not None
    return SumState.AGREES if compared and not figures.is_strange else SumState.NOT_COMPARABLE


async def _figures(
    connection: asyncpg.Connection, run: UUID, mapping: CompiledMapping, key: RunKey, about: RunToProve
) -> list[Figures]:
    with told(f"reading the manifests of {mapping.name}"):
        rows = await settled_batches(connection, run, mapping.name)
        given = await source_sums(connection, key, run, mapping.name)
    batches = await asyncio.to_thread(lambda: [opened(row, key, run, mapping.name) for row in rows])
    sent = added(batch.sums for batch in batches if batch.sums is not None)
    columns = mapping.load.proof_sums
    target = {}
    if about.mode is not LoadMode.CHECK:
        target = await _target(connection, mapping, columns, [batch.keys for batch in batches])
    return [
        _of_column(name, sent.get(name, SentSums(column=name)), given, target.get(name), mapping, about)
        for name in columns
    ]


def _of_column(
    name: str,
    sent: SentSums,
    given: dict[str, Sum] | None,
    target: Sum | None,
    mapping: CompiledMapping,
    about: RunToProve,
) -> Figures:
    reasons = []
    source = None if given is None else given.get(name)
    if name not in mapping.source.sums:
        reasons.append("computed")
    elif about.snapshot_count > 1 and source is None:
        reasons.append("several_snapshots")
    elif source is None:
        reasons.append("not_summed")
    elif sent.unread:
        reasons.append("row_too_large")
        source = None
    if target is None:
        reasons.append("dry_run" if about.mode is LoadMode.CHECK else "no_key_column")
    return Figures(sent=sent, source=source, target=target, reasons=tuple(reasons))


async def _target(
    connection: asyncpg.Connection, mapping: CompiledMapping, columns: Sequence[str], keys: Sequence[bytes]
) -> dict[str, Sum]:
    """What the target has in the rows of these keys, by column; nothing where no column of it holds the key."""
    program = mapping.load
    if not program.key_column:
        return {}
    key, kind = Identifier(program.key_column), program.column_types[program.columns.index(program.key_column)]
    identity = f"t.{key} = k.key" if kind == UUID_TYPE else f"t.{key}::text = k.key::text"
    quoted = [Identifier(name) for name in columns]
    sums = ",\n".join(SQL["sum"].format(column=name, finite=SQL["finite"].format(column=name)) for name in quoted)
    statement = SQL["target"].format(sums=sums, table=program.table.sql, identity=identity)
    doing = f"summing what the target has of {mapping.name}"
    async with transaction(connection, doing):
        with told(doing):
            await connection.execute(SQL["create"])
            for packed in keys:
                if packed:
                    await connection.copy_to_table(
                        "transfuse_proven", schema_name="pg_temp", source=_Stream(packed), format="binary"
                    )
            await connection.execute(SQL["analyze"])
            row = await connection.fetchrow(statement)
    found = {}
    for place, name in enumerate(columns):
        values, total, strange = row[3 * place : 3 * place + 3]
        found[name] = Sum(total=Decimal(total), values=values, strange=strange)
    return found


class _Stream:
    """Keys as a binary COPY, one piece."""

    def __init__(self, packed: bytes) -> None:
        starts = range(0, len(packed), KEY_BYTES)
        self._piece: bytes | None = b"".join(
            (HEADER, *(ROW_START + packed[at : at + KEY_BYTES] for at in starts), TRAILER)
        )

    def __aiter__(self) -> _Stream:
        return self

    async def __anext__(self) -> bytes:
        piece, self._piece = self._piece, None
        if piece is None:
            raise StopAsyncIteration
        return piece


def _text(total: Decimal) -> str:
    """Digits without an exponent, and without zeros that only one side writes."""
    text = format(total, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _told(mapping: str, one: ProvenSum) -> str:
    sums = {name: getattr(one, name) for name in ("source", "loaded", "refused", "filtered", "aside", "target")}
    parts = [f"{name} {text}" for name, text in sums.items() if text is not None]
    rest = ["the others are of too few rows to be shown"] if one.withheld else []
    return f"{mapping}.{one.column} ({', '.join([*parts, *rest])})"
