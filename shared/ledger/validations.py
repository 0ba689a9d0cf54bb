"""What a dry run checks and leaves out, as the extractor writes it down and the report of its validation reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.core.families import Family
from shared.core.run_options import RunOptions
from shared.core.states import LoadMode
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "validations.sql")


class PlannedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One check of a mapping: of a column or a rule, by the reason of rows that fail it.

    `threshold` is the share of rows, from 0 to 1, up to which it is passed.
    """

    mapping: str
    column: str
    reason: str
    family: Family
    threshold: float


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A legacy table, or a column of one, that the plan does not move; `reason` is the plan's, where it states one."""

    table: str
    column: str = ""
    reason: str = ""


class UncheckedKind(StrEnum):
    """What a dry run does not try of a table; REMOVAL is that of rows which the source has no more."""

    TRIGGER = "trigger"
    ROW_SECURITY = "row_security"
    RULE = "rule"
    CHECK = "check"
    DEFAULT = "default"
    FOREIGN_KEY = "foreign_key"
    PARTITION = "partition"
    REMOVAL = "removal"


class Unchecked(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a target table that a dry run did not try, by its name there."""

    schema: str
    table: str
    kind: UncheckedKind
    name: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The thresholds of a mapping by rule, column or reason, and the share that holds for the others."""

    share: float
    thresholds: dict[str, float] = {}

    def of(self, reason: str, column: str) -> float:
        """The threshold of a check: that of its rule or column, else of its reason, else the one for all."""
        return self.thresholds.get(column, self.thresholds.get(reason, self.share))


class PlannedValidation(msgspec.Struct, frozen=True, kw_only=True):
    """What a dry run was to check. `tries` is the mode that it tries."""

    run: UUID
    tries: LoadMode
    checks: tuple[PlannedCheck, ...]
    limits: dict[str, Limits]
    left_out: tuple[LeftOut, ...]
    unchecked: tuple[Unchecked, ...]

    def threshold(self, mapping: str, reason: str, column: str) -> float:
        """The share up to which a check is passed that was not planned."""
        limits = self.limits.get(mapping)
        return 0.0 if limits is None else limits.of(reason, column)


async def write_validation(
    connection: asyncpg.Connection,
    run: UUID,
    checks: Sequence[PlannedCheck],
    limits: Mapping[str, Limits],
    left_out: Sequence[LeftOut],
    unchecked: Sequence[Unchecked] = (),
) -> None:
    """Keep what a dry run will check; of two writings the later stays."""
    texts = [msgspec.json.encode(part).decode() for part in (checks, limits, left_out)]
    await connection.execute(SQL["write"], run, *texts)
    for one in unchecked:
        await connection.execute(SQL["write_unchecked"], run, one.schema, one.table, one.kind, one.name)


async def read_validation(connection: asyncpg.Connection, run: UUID) -> PlannedValidation:
    """What a dry run was to check. Raises Refused `unknown_run`, or `no_validation` for a run that is none."""
    row = await connection.fetchrow(SQL["read"], run)
    if row is None:
        raise Refused("There is no such run.", remedy="See the list of runs.", code="unknown_run")
    if row["mode"] != LoadMode.CHECK:
        raise Refused(
            "This run is no dry run, so that it has no report of a validation.",
            remedy="Start one with `validateOnly`, or `transfuse run PLAN --dry-run`.",
            code="no_validation",
        )
    unchecked = [dict(found) for found in await connection.fetch(SQL["unchecked"], run)]
    return PlannedValidation(
        run=run,
        tries=msgspec.json.decode(row["options"], type=RunOptions).tries,
        checks=msgspec.json.decode(row["checks"] or "[]", type=tuple[PlannedCheck, ...]),
        limits=msgspec.json.decode(row["limits"] or "{}", type=dict[str, Limits]),
        left_out=msgspec.json.decode(row["left_out"] or "[]", type=tuple[LeftOut, ...]),
        unchecked=msgspec.convert(unchecked, tuple[Unchecked, ...]),
    )
