"""Refused rows of earlier runs that a batch wrote, left out or refused again: they wait no longer, or in this run."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg

from services.loader.body import keys_of
from services.loader.load import Load
from services.loader.verdicts import Verdicts
from shared.core.states import LoadMode
from shared.ledger.quarantine import Resolution
from shared.ledger.resolving import resolve_rows, waiting_keys

WRITING = frozenset({LoadMode.INSERT, LoadMode.MERGE, LoadMode.PATCH})
MOST_ASKED = 10_000
"""Waiting keys that are compared here; of more the ledger is told all keys of the batch."""


async def resolve(connection: asyncpg.Connection, load: Load, verdicts: Verdicts) -> None:
    """Resolve what waits of the batch's rows, in the transaction that settles it. One question where nothing waits."""
    if load.run.mode not in WRITING:
        return
    waiting = await waiting_keys(connection, load.opened.batch, MOST_ASKED)
    if not waiting:
        return
    found = fates(load, verdicts)
    if len(waiting) < MOST_ASKED:
        found = {resolution: keys & waiting for resolution, keys in found.items()}
    await resolve_rows(connection, load.opened.batch, found)


def fates(load: Load, verdicts: Verdicts) -> dict[Resolution, frozenset[bytes]]:
    """The 16-byte keys of the batch's rows by what becomes of those that waited. A patch leaves nothing out."""
    opened = load.opened

    def keys(ordinals: Iterable[int]) -> set[bytes]:
        return {opened.target_key(ordinal) for ordinal in ordinals}

    refused = {row.target_key for place, row in enumerate(opened.body.refused) if place not in verdicts.passed_over}
    there = set(range(1, opened.body.row_count + 1)) - (verdicts.judged - verdicts.unchanged)
    left_out = {*keys_of(opened.body.filtered_keys), *keys(verdicts.filtered)}
    return {
        Resolution.REPLAYED: frozenset(keys(there)),
        Resolution.FILTERED: frozenset() if load.mode is LoadMode.PATCH else frozenset(left_out),
        Resolution.REPLACED: frozenset(refused | keys(verdicts.refused)) - {b""},
    }
