"""Starts a run of a plan in the ledger."""

from __future__ import annotations

from importlib.metadata import version
from uuid import UUID

from shared.core.priority import Priority
from shared.core.run_options import RunOptions
from shared.core.states import LoadMode, RunKind
from shared.core.suspension import check_suspension
from shared.ledger.runs import NewRun, Runs
from shared.plan.model import Plan


async def start(
    runs: Runs,
    plan: Plan,
    *,
    actor: str,
    migration: str,
    options: RunOptions,
    priority: Priority = Priority.NORMAL,
    mode: LoadMode = LoadMode.INSERT,
) -> UUID:
    """Register the plan and the migration as needed, and write a pending run. Raises Refused `already_active`."""
    check_suspension(options, mode)
    await runs.register_plan(name=plan.name, hash=plan.hash, files=plan.files)
    await runs.register_migration(migration, plan_name=plan.name, actor=actor)
    new = NewRun(
        migration=migration,
        plan_hash=plan.hash,
        actor=actor,
        transfuse_version=version("transfuse"),
        kind=RunKind.VALIDATE if mode is LoadMode.CHECK else RunKind.MIGRATE,
        mode=mode,
        priority=priority.rank,
        options=options,
    )
    return await runs.create(new)
