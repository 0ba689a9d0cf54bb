"""Which refused rows a replay is of, opened: their legacy keys, what was edited of them, and where they stood."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import Refused
from shared.core.ids import BatchRef
from shared.core.run_options import ReplayChoice
from shared.crypto.aad import edit_aad, row_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger.batches import unpacked_bounds
from shared.ledger.bounds import BatchBounds
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "replaying.sql")


class WaitingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One refused row that waits; `run` is the one that refused it. Never to be logged."""

    run: UUID
    mapping: str
    pass_number: int
    seq: int
    target_key: UUID | None
    legacy_key: str

    def __repr__(self) -> str:
        return f"WaitingRow(run={self.run}, mapping={self.mapping!r})"


class EditedValues(msgspec.Struct, frozen=True, kw_only=True):
    """Values by mapping and legacy key, and by column; `lost` counts those by mapping that no key opens any more."""

    values: dict[tuple[str, str], dict[str, str | None]] = {}
    lost: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"EditedValues(lost={self.lost})"


class KeysGone(Refused):
    """The key of a run, under which its refused rows are sealed, was removed."""

    code = "run_key_gone"
    remedy = "Discard these rows, and run the migration again in mode merge: what the source has of them is read anew."


async def read_waiting(
    connection: asyncpg.Connection, keyring: Keyring, run: UUID, about: UUID, choice: ReplayChoice
) -> tuple[WaitingRow, ...]:
    """The rows that a replay is of: those chosen, and all that wait for a row of a mapping among theirs.

    Raises KeysGone, KeyNotListed, SealBroken.
    """
    if choice.marked:
        found = await connection.fetch(SQL["marked_mappings"], run)
    else:
        found = await connection.fetch(SQL["chosen_mappings"], about, *choice.filters)
    mappings = await _closed(connection, about, {row["mapping"] for row in found})
    rows = await connection.fetch(SQL["rows"], run, about, *choice.filters, choice.marked, sorted(mappings))
    keys = _keys(keyring, {row["run_id"]: row["wrapped"] for row in rows})
    return tuple(
        WaitingRow(
            run=row["run_id"],
            mapping=row["mapping"],
            pass_number=row["pass"],
            seq=row["seq"],
            target_key=row["target_key"],
            legacy_key=keys[row["run_id"]].open_(row["sealed_key"], row_aad(row["run_id"], row["id"])).decode(),
        )
        for row in rows
    )


async def read_edits(
    connection: asyncpg.Connection, keyring: Keyring, migration: UUID, rows: Collection[WaitingRow]
) -> EditedValues:
    """The latest edited values of some rows. Raises KeyNotListed, SealBroken."""
    legacy = {(row.mapping, row.target_key): row.legacy_key for row in rows if row.target_key is not None}
    found = await connection.fetch(
        SQL["edits"], migration, sorted({name for name, _ in legacy}), [key for _, key in legacy]
    )
    keys = _keys(keyring, {row["run_id"]: row["wrapped"] for row in found if row["wrapped"] is not None})
    edits: dict[tuple[str, str], dict[str, str | None]] = defaultdict(dict)
    lost: Counter[str] = Counter()
    for row in found:
        place = (row["mapping"], row["target_key"])
        if place not in legacy:
            continue
        if row["run_id"] not in keys:
            lost[row["mapping"]] += 1
        else:
            aad = edit_aad(row["run_id"], row["quarantine_id"], row["column"], "new")
            plain = keys[row["run_id"]].open_(row["sealed_new"], aad)
            edits[place[0], legacy[place]][row["column"]] = msgspec.json.decode(plain, type=str | None)
    return EditedValues(values=dict(edits), lost=dict(lost))


async def read_ranges(
    connection: asyncpg.Connection, keyring: Keyring, rows: Iterable[WaitingRow]
) -> tuple[BatchBounds, ...]:
    """The bounds of the batches that rows stood in, each once. Raises KeyNotListed, SealBroken."""
    places = sorted({(row.run, row.mapping, row.pass_number, row.seq) for row in rows})
    found = await connection.fetch(SQL["bounds"], *(list(column) for column in zip(*places, strict=True)))
    bounds: dict[BatchBounds, None] = {}
    for row in found:
        key = RunKey(keyring.unwrap(row["wrapped"], row["run_id"]))
        ref = BatchRef(run=row["run_id"], mapping=row["mapping"], pass_number=row["pass"], seq=row["seq"], generation=0)
        item = unpacked_bounds(key, ref, row["bounds"], sealed=row["bounds_sealed"])
        bounds[BatchBounds(lower=item.lower, upper=item.upper, keys=item.keys)] = None
    return tuple(bounds)


async def _closed(connection: asyncpg.Connection, about: UUID, mappings: set[str]) -> set[str]:
    """The mappings, and those whose rows wait for theirs, and so on."""
    new = mappings
    while new:
        found = await connection.fetch(SQL["waiting_for"], about, sorted(new))
        new = {row["mapping"] for row in found} - mappings
        mappings = mappings | new
    return mappings


def _keys(keyring: Keyring, wrapped: dict[UUID, bytes | None]) -> dict[UUID, RunKey]:
    keys = {}
    for run, key in wrapped.items():
        if key is None:
            raise KeysGone(f"the key of run {run} is gone, and the rows that it refused cannot be read")
        keys[run] = RunKey(keyring.unwrap(key, run))
    return keys
