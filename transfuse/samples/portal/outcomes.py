"""Holds a finished run of the portal against what the generator planted: `tests/portal/outcomes.yml` says what must become of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import yaml

from shared.ledger.snapshots import RunSnapshot

Manifest = dict[str, Any]
ALL = "all"


class Fate(StrEnum):
    """What becomes of the rows with a defect; the file's head explains each word."""

    QUARANTINED = "quarantined"
    FILTERED = "filtered"
    WARNED = "warned"
    CLEANED = "cleaned"
    LOADED = "loaded"
    NOT_MAPPED = "not mapped"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `defects`."""

    kind: str
    table: str
    column: str
    outcome: Fate
    mapping: str = ""
    target_column: str = ""
    rule: str = ""
    codes: tuple[str, ...] = ()
    count: str = ALL
    target: str = ""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Two queries that must give the same rows."""

    name: str
    legacy: str
    target: str


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    setup: str
    defects: tuple[Outcome, ...]
    facts: tuple[Fact, ...]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison: rows `planted` with the defect, rows `expected` to have the outcome, rows `found` with it."""

    outcome: Outcome
    planted: int
    expected: int
    found: int

    @property
    def agrees(self) -> bool:
        """Whether what was found is what must be."""
        return self.expected == self.found


def read_outcomes(path: Path) -> Outcomes:
    """The file at `path`. Raises msgspec.ValidationError for another form."""
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Outcomes)


async def compare(
    legacy: asyncpg.Connection,
    target: asyncpg.Connection,
    snapshot: RunSnapshot,
    manifest: Manifest,
    outcomes: Outcomes,
) -> tuple[Finding, ...]:
    """A finding for each defect that the plan's mappings meet. `legacy` gets temporary objects."""
    await legacy.execute(manifest["json_state_function"])
    await legacy.execute(outcomes.setup)
    planted = {(defect["kind"], defect["table"], defect["column"]): defect for defect in manifest["defects"]}
    findings = []
    for outcome in outcomes.defects:
        if outcome.outcome is Fate.NOT_MAPPED:
            continue
        defect = planted[outcome.kind, outcome.table, outcome.column]
        keys = [row[0] for row in await legacy.fetch(defect["sql"])]
        expected = defect["count"] if outcome.count == ALL else await _count(legacy, outcome.count, keys)
        found = await _count(target, outcome.target, keys) if outcome.target else _in_ledger(snapshot, outcome)
        findings.append(Finding(outcome=outcome, planted=defect["count"], expected=expected, found=found))
    return tuple(findings)


async def untrue_facts(legacy: asyncpg.Connection, target: asyncpg.Connection, outcomes: Outcomes) -> tuple[str, ...]:
    """Names of the facts that do not hold; `compare` must have run in the same legacy session."""
    return tuple(
        [
            fact.name
            for fact in outcomes.facts
            if _rows(await legacy.fetch(fact.legacy)) != _rows(await target.fetch(fact.target))
        ]
    )


async def target_rows(
    target: asyncpg.Connection, manifest: Manifest, tables: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Rows that must be in each table by the manifest, and rows that are."""
    return {
        table: (manifest["targets"][table]["count"], await target.fetchval(f'select count(*) from "{table}"'))
        for table in tables
    }


async def _count(connection: asyncpg.Connection, query: str, keys: list[int]) -> int:
    count: int = await connection.fetchval(query, *([keys] if "$1" in query else []))
    return count


def _in_ledger(snapshot: RunSnapshot, outcome: Outcome) -> int:
    rows = snapshot.quarantine if outcome.outcome is Fate.QUARANTINED else snapshot.warnings
    named = outcome.target_column or outcome.rule
    return sum(
        row.row_count
        for row in rows
        if row.mapping == outcome.mapping and row.column == named and (not outcome.codes or row.code in outcome.codes)
    )


def _rows(records: list[asyncpg.Record]) -> list[tuple[object, ...]]:
    return [tuple(record) for record in records]
