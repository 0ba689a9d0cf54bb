"""Plans a replay: refused rows of earlier runs, read again by their keys, with the values that were edited."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import msgspec

from services.extractor.counting import MappingCounts
from services.extractor.edits import check_edits
from services.extractor.key_lists import KeyList, cut_key_list, edited_keys
from services.extractor.passes import cuts_of
from services.extractor.snapshot import Snapshot
from services.extractor.tasks import each
from shared.core.errors import Refused
from shared.core.run_options import ReplayChoice
from shared.core.states import RunKind
from shared.crypto.keyring import Keyring
from shared.ledger.bounds import BatchBounds
from shared.ledger.planning import CutMapping, RunToPlan
from shared.ledger.repairing import is_verify, read_repair
from shared.ledger.replaying import EditedValues, WaitingRow, read_edits, read_ranges, read_waiting
from shared.plan.compiled import CompiledMapping, CompiledPlan
from shared.plan.model import Changed
from shared.postgres.pools import Pool

NOT_IN_SOURCE = "not_in_source"
EDIT_LOST = "edit_lost"


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that are replayed, what was edited of them, and where those without identity stood."""

    rows: tuple[WaitingRow, ...]
    edits: EditedValues
    ranges: dict[str, tuple[BatchBounds, ...]]

    @property
    def mappings(self) -> tuple[str, ...]:
        """The mappings that have rows to replay."""
        return tuple(sorted({row.mapping for row in self.rows}))


class ReplayCut(msgspec.Struct, frozen=True, kw_only=True):
    """A replay as the ledger takes it, and the warnings that it begins with."""

    mappings: list[CutMapping]
    warnings: list[dict[str, str]]


async def read_replay(ledger: asyncpg.Connection, keyring: Keyring, run: RunToPlan) -> Replay | None:
    """What a run replays, None where it is no replay.

    Raises Refused `nothing_waits` where no row waits any more, KeysGone, KeyNotListed, SealBroken.
    """
    if run.kind is not RunKind.REPLAY or run.about is None:
        return None
    choice = run.options.replay or ReplayChoice()
    if await is_verify(ledger, run.about) and run.options.replay is None:
        rows = await read_repair(ledger, keyring, run.about, with_changed=run.options.repairs_changed)
    else:
        rows = await read_waiting(ledger, keyring, run.run, run.about, choice)
    if not rows:
        raise Refused(
            "None of the rows that this run was to replay waits any more.",
            remedy="See what waits with `transfuse quarantine`; start a replay of that.",
            code="nothing_waits",
        )
    edits = await read_edits(ledger, keyring, run.migration, rows)
    ranges = {
        name: await read_ranges(ledger, keyring, [row for row in rows if row.mapping == name])
        for name in {row.mapping for row in rows}
    }
    return Replay(rows=rows, edits=edits, ranges=ranges)


def without_conflicts(compiled: CompiledPlan, run: RunToPlan) -> CompiledPlan:
    """The plan as a repair runs it: it was asked for, so the source wins over whoever changed a row in the target."""
    if run.kind is not RunKind.REPLAY or run.options.replay is not None:
        return compiled
    mappings = tuple(
        msgspec.structs.replace(one, load=msgspec.structs.replace(one.load, changed=Changed.SOURCE_WINS))
        for one in compiled.mappings
    )
    return msgspec.structs.replace(compiled, mappings=mappings)


async def cut_replay(
    pool: Pool, snapshot: Snapshot, mappings: Sequence[CompiledMapping], replay: Replay, batch_rows: int, *, most: int
) -> ReplayCut:
    """The batches of a replay, counted. Raises EditRefused, MappingRefused, SnapshotLost."""

    async def cut(mapping: CompiledMapping) -> KeyList:
        return await _cut(pool, snapshot, mapping, replay, batch_rows)

    order = sorted(mappings, key=lambda mapping: mapping.wave)
    lists = dict(zip((mapping.name for mapping in order), await each(cut, order, most=most), strict=True))
    counts = {
        name: MappingCounts(driving_rows=found.row_count, from_rows=found.row_count) for name, found in lists.items()
    }
    return ReplayCut(
        mappings=cuts_of([(mapping, lists[mapping.name].bounds) for mapping in order], counts),
        warnings=[
            *(_missing(name, found.missing) for name, found in lists.items() if found.missing),
            *(_lost(name, count) for name, count in sorted(replay.edits.lost.items())),
        ],
    )


async def _cut(pool: Pool, snapshot: Snapshot, mapping: CompiledMapping, replay: Replay, batch_rows: int) -> KeyList:
    """Keys in lists, each that was edited in a batch of its own."""
    keys = {row.legacy_key for row in replay.rows if row.mapping == mapping.name}
    edits = replay.edits.values
    values = {key: edits[mapping.name, key] for key in sorted(keys) if (mapping.name, key) in edits}
    for one in values.values():
        check_edits(mapping, one)
    plain = await cut_key_list(
        pool, snapshot, mapping, keys - values.keys(), batch_rows=batch_rows, within=replay.ranges[mapping.name]
    )
    alone = await edited_keys(pool, snapshot, mapping, values)
    return KeyList(
        bounds=(*plain.bounds, *alone.bounds),
        row_count=plain.row_count + alone.row_count,
        missing=plain.missing + alone.missing,
    )


def _missing(mapping: str, count: int) -> dict[str, str]:
    rows = "1 row" if count == 1 else f"{count} rows"
    return {
        "code": NOT_IN_SOURCE,
        "message": f"The source does not have {rows} of {mapping} any more that {'was' if count == 1 else 'were'} to be"
        " replayed: they wait on. Discard them if that is as it should be.",
    }


def _lost(name: str, count: int) -> dict[str, str]:
    values = "1 edited value" if count == 1 else f"{count} edited values"
    return {
        "code": EDIT_LOST,
        "message": f"The key of {values} of {name} was removed with older runs: the source's are read. Edit the"
        " rows again where they are refused.",
    }
