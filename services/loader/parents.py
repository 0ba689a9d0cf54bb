"""Rows whose parent is not in the target: what became of the parent, and what the plan says to do."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

import asyncpg
import msgspec

from services.loader.body import OpenedBatch, keys_of
from services.loader.runs import LoadRun, LoadRuns
from services.loader.statements import Statements
from services.loader.verdicts import Verdicts
from shared.core.errors import RunError
from shared.crypto.aad import manifest_aad
from shared.ledger.settling import filtered_keys, latest_run_of, quarantined_among
from shared.messages.data import Reason
from shared.plan.compiled import PLACEHOLDER_PARENT, LoadProgram, Reference
from shared.plan.model import MissingParent

MISSING_PARENT = "missing_parent"
UNRESOLVED = "unresolved"
"""A warning of the second pass: the reference stays NULL, since its row is not in the target."""


class Fate(StrEnum):
    """What became of a parent that is not in the target."""

    ABSENT = "absent"
    FILTERED = "filtered"
    QUARANTINED = "quarantined"


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A parent that is not in the target. `mapping` is empty where it may have been a row of several."""

    reference: Reference
    fate: Fate
    mapping: str


class Parents:
    """Tells the fates of parents, by the manifests and the quarantine of the run that loaded them."""

    def __init__(self, runs: LoadRuns) -> None:
        self._runs = runs
        self._filtered: dict[tuple[UUID, str], bytes] = {}

    async def judge(
        self,
        connection: asyncpg.Connection,
        run: LoadRun,
        program: LoadProgram,
        statements: Statements,
        verdicts: Verdicts,
        placeholders: Mapping[str, bytes],
        *,
        nulled_code: str = MISSING_PARENT,
    ) -> frozenset[str]:
        """Find staged rows without their parents and do with each what its reference's policy says.

        What becomes NULL is counted as a warning of `nulled_code`, what is turned to a placeholder, whose keys by
        mapping are `placeholders`, as one of `placeholder_parent`. Gives the mappings whose placeholder has to be made.

        Raises RunError where the policy is to fail the run.
        """
        if not statements.missing:
            return frozenset()
        needed: set[str] = set()
        missing: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        for row in await connection.fetch(statements.missing):
            missing[row["reference"]].append((row["ordinal"], _key(row["parent"])))
        for number, found_missing in sorted(missing.items()):
            reference = program.references[number]
            one_of = [other for other in program.references if other.column == reference.column]
            placeholder = placeholders.get(reference.mapping)
            rows = [(ordinal, key) for ordinal, key in found_missing if key != placeholder]
            found = await self._found(connection, run, one_of, frozenset(key for _, key in rows))
            only = len({one.mapping for one in one_of}) == 1
            unknown = Missing(reference=reference, fate=Fate.ABSENT, mapping=reference.mapping if only else "")
            done = {ordinal: _apply(found.get(key, unknown), ordinal, verdicts) for ordinal, key in rows}
            nulled = [ordinal for ordinal, policy in done.items() if policy is MissingParent.NULL_IT]
            if nulled:
                verdicts.warned[Reason(code=nulled_code, column=reference.column)] += len(nulled)
                await connection.execute(statements.nulls[number], nulled)
            turned = [ordinal for ordinal, policy in done.items() if policy is MissingParent.PLACEHOLDER]
            if turned or len(rows) < len(found_missing):
                needed.add(reference.mapping)
            if turned:
                verdicts.warned[Reason(code=PLACEHOLDER_PARENT, column=reference.column)] += len(turned)
                await connection.execute(statements.turns[number], turned, _text(placeholder, reference))
        return frozenset(needed)

    async def not_loaded(self, connection: asyncpg.Connection, run: LoadRun, opened: OpenedBatch) -> frozenset[bytes]:
        """The keys of a second pass whose rows the first one of this run filtered or quarantined.

        They may be in the target all the same, from an earlier run or by somebody else.
        """
        keys = frozenset((*keys_of(opened.body.target_keys), *(row.target_key for row in opened.body.refused)))
        mapping = opened.batch.mapping
        filtered = await self.filtered_among(connection, run.run, mapping, keys)
        return filtered | await quarantined_among(connection, run.run, mapping, keys - {b""})

    async def filtered_among(
        self, connection: asyncpg.Connection, run: UUID, mapping: str, keys: frozenset[bytes]
    ) -> frozenset[bytes]:
        """Those of some keys whose rows a run filtered."""
        return keys.intersection(keys_of(await self._filtered_by(connection, run, mapping))) if keys else frozenset()

    def forget(self, run: UUID) -> None:
        """Drop what is kept of a run that ended."""
        for known in [known for known in self._filtered if known[0] == run]:
            del self._filtered[known]

    async def _found(
        self, connection: asyncpg.Connection, run: LoadRun, one_of: list[Reference], keys: frozenset[bytes]
    ) -> dict[bytes, Missing]:
        """What is known of parents that may be rows of several mappings."""
        found: dict[bytes, Missing] = {}
        for reference in {one.mapping: one for one in one_of}.values():
            fates = await self._fates(connection, run, reference.mapping, keys)
            for key, fate in fates.items():
                found[key] = Missing(reference=reference, fate=fate, mapping=reference.mapping)
        return found

    async def _fates(
        self, connection: asyncpg.Connection, run: LoadRun, mapping: str, keys: frozenset[bytes]
    ) -> dict[bytes, Fate]:
        loaded_by = await latest_run_of(connection, run.run, mapping)
        if loaded_by is None:
            return {}
        quarantined = await quarantined_among(connection, loaded_by, mapping, keys)
        filtered = keys & frozenset(keys_of(await self._filtered_by(connection, loaded_by, mapping)))
        return {**dict.fromkeys(filtered, Fate.FILTERED), **dict.fromkeys(quarantined, Fate.QUARANTINED)}

    async def _filtered_by(self, connection: asyncpg.Connection, run: UUID, mapping: str) -> bytes:
        """Keys of all rows that a mapping filtered; kept, since a mapping is complete when others refer to it."""
        known = self._filtered.get((run, mapping))
        if known is None:
            sealed = await filtered_keys(connection, run, mapping)
            key = await self._runs.key(connection, run)
            opened = await asyncio.to_thread(lambda: [key.open_(data, manifest_aad(ref)) for ref, data in sealed])
            known = self._filtered[run, mapping] = b"".join(opened)
        return known


def _apply(missing: Missing, ordinal: int, verdicts: Verdicts) -> MissingParent:
    """Note what happens to one row, and give the policy: its reference may have to be changed."""
    reason = Reason(code=MISSING_PARENT, column=missing.reference.column)
    policy = _policy(missing.reference, missing.fate)
    match policy:
        case MissingParent.QUARANTINE:
            verdicts.refuse(ordinal, reason, waits_for=missing.mapping)
        case MissingParent.FILTER_TOO:
            verdicts.leave_out(ordinal)
        case MissingParent.NULL_IT | MissingParent.PLACEHOLDER:
            pass
        case MissingParent.FAIL_RUN:
            raise RunError(
                f"A row refers by {missing.reference.column} to a row of {missing.reference.mapping}"
                " that is not in the target.",
                code=MISSING_PARENT,
                remedy="Load the missing rows, or let the plan quarantine such rows (`missing_parent`).",
            )
    return policy


def _text(placeholder: bytes | None, reference: Reference) -> str:
    """The placeholder's key as text. Raises RunError."""
    if placeholder is None:
        raise RunError(f"The batch has no placeholder of {reference.mapping}.", code="version_differs")
    return str(UUID(bytes=placeholder))


def _policy(reference: Reference, fate: Fate) -> MissingParent:
    match fate:
        case Fate.ABSENT:
            return reference.absent
        case Fate.FILTERED:
            return reference.filtered
        case Fate.QUARANTINED:
            return reference.quarantined


def _key(parent: str) -> bytes:
    """The 16-byte key of a parent; of what is no UUID nothing is known."""
    try:
        return UUID(parent).bytes
    except ValueError:
        return b""
