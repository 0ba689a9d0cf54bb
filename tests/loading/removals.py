"""Removals of a merge at the loader: the passes of a run as planning cuts them, worked off one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.loader.load import Settled
from services.loader.removal import Removal
from shared.core.counts import Counts
from shared.core.passes import REMOVAL
from shared.core.states import LoadMode
from shared.plan.compiled import LoadProgram
from tests.loading.target import Body, Target, batch

MOMENT = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
"""What the snapshots of all runs show."""


async def merged(target: Target, programs: dict[str, LoadProgram], bodies: dict[str, Body]) -> UUID:
    """A run of mode merge whose first passes are done, with a removal of each mapping that is not done yet."""
    run = await target.run(programs)
    for name, body in bodies.items():
        settled = await target.load(batch(run, name), body, LoadMode.MERGE)
        assert settled.counts is not None
        await target.connection.execute(
            "update transfuse.run_mapping set state = 'complete', from_rows = $3 where run_id = $1 and mapping = $2",
            *(run, name, settled.counts.read),
        )
    await target.connection.execute("update transfuse.run set snapshot_at = $2 where id = $1", run, MOMENT)
    for name in programs:
        await target.connection.execute(
            """insert into transfuse.run_mapping (run_id, mapping, pass, position, state, driving_rows, from_rows)
               values ($1, $2, $3, 9, 'open', 0, 0)""",
            *(run, name, REMOVAL),
        )
        await target.connection.execute(
            "insert into transfuse.batch (run_id, mapping, pass, seq, state) values ($1, $2, $3, 1, 'dispatched')",
            *(run, name, REMOVAL),
        )
    return run


async def open_removals(target: Target, run: UUID, mapping: str) -> list[int]:
    """Numbers of the batches of a removal that are still to be done; they are dispatched from here on."""
    rows = await target.connection.fetch(
        """update transfuse.batch set state = 'dispatched'
            where run_id = $1 and mapping = $2 and pass = $3 and state in ('planned', 'dispatched') returning seq""",
        *(run, mapping, REMOVAL),
    )
    return sorted(row["seq"] for row in rows)


async def remove(target: Target, run: UUID, mappings: Sequence[str]) -> dict[str, Counts]:
    """Work the removals of some mappings off, in this order; gives the sum of each one's counts."""
    removal = Removal(target.ledger.pool, target.loader.runs)
    found: dict[str, Counts] = {}
    for mapping in mappings:
        found[mapping] = Counts()
        while seqs := await open_removals(target, run, mapping):
            for seq in seqs:
                found[mapping] += counted(await removal.remove(batch(run, mapping, seq, pass_number=REMOVAL)))
        state = "update transfuse.run_mapping set state = 'complete' where run_id = $1 and mapping = $2 and pass = $3"
        await target.connection.execute(state, run, mapping, REMOVAL)
    return found


def counted(settled: Settled) -> Counts:
    """The counts of a batch that was settled."""
    assert settled.counts is not None
    return settled.counts


async def warned(target: Target, run: UUID) -> dict[tuple[str, str], int]:
    """Warnings of all settled batches of a run, by code and column."""
    rows = await target.connection.fetch(
        """select w ->> 'code' as code, w ->> 'column' as "column", sum((w ->> 'count')::bigint)::bigint as count
             from transfuse.batch b, jsonb_array_elements(b.warnings) w where b.run_id = $1 group by 1, 2""",
        run,
    )
    return {(row["code"], row["column"]): row["count"] for row in rows}
