"""Starts a run of a plan in the ledger."""

from __future__ import annotations

from importlib.metadata import version
from uuid import UUID

import msgspec

from shared.core.states import RunKind
from shared.ledger.runs import NewRun, Runs
from shared.plan.model import Plan


class RunOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run may be told: the most rows of a batch, 1 to 50,000, and the bytes of source text it aims at."""

    batch_rows: int | None = None
    batch_bytes: int | None = None


async def start(runs: Runs, plan: Plan, *, actor: str, migration: str, options: RunOptions, priority: int) -> UUID:
    """Register the plan and the migration as needed, and write a pending run. Raises Refused `already_active`."""
    await runs.register_plan(name=plan.name, hash=plan.hash, files=plan.files)
    await runs.register_migration(migration, plan_name=plan.name)
    new = NewRun(
        migration=migration,
        plan_hash=plan.hash,
        actor=actor,
        transfuse_version=version("transfuse"),
        kind=RunKind.MIGRATE,
        priority=priority,
        options=options,
    )
    return await runs.create(new)
