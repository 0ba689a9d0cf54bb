"""What verifies found, for people: the outcome, counts by mapping and column, the rows one by one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.core.findings import FindingKind, VerifyOutcome
from shared.core.passes import COMPARISON, FIRST, SECOND, SECOND_COMPARISON
from shared.core.run_options import RunOptions
from shared.core.states import FINAL, MappingState, RunKind, RunState
from shared.ledger.runs import Run
from shared.postgres.pools import Pool
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "verification.sql")
NOT_CHECKED = "not_checked"


class ColumnCount(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that differ in a column, without those whose source changed since."""

    column: str
    row_count: int


class MappingVerification(msgspec.Struct, frozen=True, kw_only=True):
    """One mapping. `equal` rows are in the target as they should be, `absent` ones are rightly not there.

    `different`, `missing`, `unexpected` and `extra` are rows that no change of the source since they were loaded
    explains; `changed_since` counts the others. A row that differs in both passes counts twice. `extra` is None where
    nobody looked, or under another mapping of the same table. `waiting` rows are still to be checked.
    """

    mapping: str
    checked: int = 0
    equal: int = 0
    absent: int = 0
    different: int = 0
    missing: int = 0
    unexpected: int = 0
    extra: int | None = None
    changed_since: int = 0
    could_not_verify: int = 0
    not_checked: int = 0
    waiting: int = 0
    columns: tuple[ColumnCount, ...] = ()

    @property
    def differences(self) -> int:
        """Rows that are not as they should be, whatever is wrong with them."""
        return self.different + self.missing + self.unexpected + (self.extra or 0)

    @property
    def outcome(self) -> VerifyOutcome:
        """What is known of the mapping. What could not be verified is no pass, nor is what was not looked at."""
        if self.differences:
            return VerifyOutcome.DIFFERENT
        if self.could_not_verify:
            return VerifyOutcome.COULD_NOT_VERIFY
        return (
            VerifyOutcome.NOT_CHECKED
            if self.waiting or (self.not_checked and not self.checked)
            else VerifyOutcome.EQUAL
        )


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What a verify came to. `run` verified the rows of `about`; the same where a run verified itself.

    `sample` is the share that was looked at, None for all. `extras_checked` where extra rows were looked for in every
    table.
    """

    run: UUID
    about: UUID
    kind: RunKind
    state: RunState
    outcome: VerifyOutcome
    sample: float | None = None
    extras_checked: bool = False
    mappings: tuple[MappingVerification, ...] = ()
    created_at: datetime | None = None
    finished_at: datetime | None = None
    loaded_from: datetime | None = None
    compared_with: datetime | None = None

    @property
    def differences(self) -> int:
        """Rows that are not as they should be."""
        return sum(mapping.differences for mapping in self.mappings)

    @property
    def repairable(self) -> int:
        """Rows that a repair may set right."""
        return sum(mapping.different + mapping.missing for mapping in self.mappings)


class ListedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One row, by its key in the target. `source_changed` is None where nobody can tell."""

    id: UUID
    mapping: str
    kind: FindingKind
    columns: tuple[str, ...]
    target_key: UUID | None
    source_changed: bool | None


class Verifications:
    """Reads what verifies found. Raises Refused `unknown_run`, DatabaseUnreachable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, run: UUID) -> Verification | None:
        """What is known of a run: by itself where it is a verify, else by the youngest verify of it, else by its own.

        None where nobody verified it.
        """
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await _subject(connection, run)
            verify = await connection.fetchval(SQL["verified_by"], run)
            return None if verify is None else await read_verification(connection, verify)

    async def findings(
        self,
        run: UUID,
        *,
        mapping: str | None = None,
        kind: FindingKind | None = None,
        after: UUID | None = None,
        limit: int = 50,
    ) -> tuple[ListedFinding, ...]:
        """Rows that the verify of a run found, by mapping; `after` is the last of the page before."""
        async with self._pool.acquire() as connection:
            await _subject(connection, run)
            verify = await connection.fetchval(SQL["verified_by"], run)
            rows = await connection.fetch(SQL["findings"], verify, mapping, kind, after, limit)
        return tuple(msgspec.convert(dict(row), ListedFinding) for row in rows)

    async def has(self, run: UUID, finding: UUID) -> bool:
        """Whether the verify of a run found that row."""
        async with self._pool.acquire() as connection:
            verify = await connection.fetchval(SQL["verified_by"], run)
            return bool(await connection.fetchval(SQL["has_finding"], verify, finding))


def unverified(run: Run) -> Verification:
    """What is known of a run that nobody verified."""
    return Verification(run=run.id, about=run.id, kind=run.kind, state=run.state, outcome=VerifyOutcome.NOT_CHECKED)


async def read_verification(connection: asyncpg.Connection, verify: UUID) -> Verification:
    """What one verify found, or a run of its own rows."""
    head = await connection.fetchrow(SQL["head"], verify)
    kind, state = RunKind(head["kind"]), RunState(head["state"])
    passes = (FIRST, SECOND) if kind is RunKind.VERIFY else (COMPARISON, SECOND_COMPARISON)
    rows = await connection.fetch(SQL["mappings"], verify, list(passes))
    counts = await connection.fetch(SQL["counts"], verify)
    mappings = tuple(_mappings(rows, counts, is_over=state in FINAL))
    options = msgspec.json.decode(head["options"], type=RunOptions)
    return Verification(
        run=head["run"],
        about=head["about"],
        kind=kind,
        state=state,
        outcome=_outcome(state, mappings),
        sample=options.sample,
        extras_checked=bool(mappings) and any(mapping.extra is not None for mapping in mappings),
        mappings=mappings,
        **{name: head[name] for name in ("created_at", "finished_at", "loaded_from", "compared_with")},
    )


def _outcome(state: RunState, mappings: tuple[MappingVerification, ...]) -> VerifyOutcome:
    """Of the whole: a difference outweighs what could not be verified, and that what was not looked at."""
    found = {mapping.outcome for mapping in mappings}
    if VerifyOutcome.DIFFERENT in found:
        return VerifyOutcome.DIFFERENT
    if VerifyOutcome.COULD_NOT_VERIFY in found or (not mappings and state in FINAL):
        return VerifyOutcome.COULD_NOT_VERIFY
    if VerifyOutcome.NOT_CHECKED in found or not mappings:
        return VerifyOutcome.NOT_CHECKED
    return VerifyOutcome.EQUAL


def _mappings(
    rows: list[asyncpg.Record], counts: list[asyncpg.Record], *, is_over: bool
) -> Iterable[MappingVerification]:
    for name in dict.fromkeys(row["mapping"] for row in rows):
        passes = [row for row in rows if row["mapping"] == name]
        first, of_mapping = passes[0], [row for row in counts if row["mapping"] == name]
        open_rows = sum(max(row["row_count"] - row["read"], 0) for row in passes[:1])
        unfinished = any(row["state"] != MappingState.COMPLETE for row in passes)
        if is_over and unfinished:
            open_rows = max(open_rows, 1)
        counted = {kind: _rows(of_mapping, kind) for kind in FindingKind}
        looked = any(row["kind"] == FindingKind.EXTRA for row in of_mapping)
        yield MappingVerification(
            mapping=name,
            checked=first["read"],
            equal=first["unchanged"],
            absent=first["absent"],
            different=counted[FindingKind.DIFFERENT],
            missing=counted[FindingKind.MISSING],
            unexpected=counted[FindingKind.UNEXPECTED],
            extra=counted[FindingKind.EXTRA] if looked else None,
            changed_since=sum(row["row_count"] for row in of_mapping if row["source_changed"] and not row["column"]),
            could_not_verify=open_rows if is_over else 0,
            not_checked=_rows(of_mapping, NOT_CHECKED),
            waiting=0 if is_over else open_rows,
            columns=tuple(
                ColumnCount(column=row["column"], row_count=row["row_count"])
                for row in of_mapping
                if row["column"] and not row["source_changed"]
            ),
        )


def _rows(counts: list[asyncpg.Record], kind: str) -> int:
    return sum(
        row["row_count"] for row in counts if row["kind"] == kind and not row["column"] and not row["source_changed"]
    )


async def _subject(connection: asyncpg.Connection, run: UUID) -> UUID:
    """The run whose rows a run is about. Raises Refused `unknown_run`."""
    found: UUID | None = await connection.fetchval(SQL["subject"], run)
    if found is None:
        raise Refused(f"There is no run {run}.", remedy="List the runs to see those there are.", code="unknown_run")
    return found
