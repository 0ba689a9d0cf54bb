"""What guards a target: its foreign keys are validated, and its triggers on."""

from __future__ import annotations

import asyncpg

UNVALIDATED = """
select conrelid::regclass::text || '.' || conname || ' is not validated'
  from pg_constraint where contype in ('f', 'c') and not convalidated
"""
DISABLED = """
select tgrelid::regclass::text || '.' || tgname || ' is off'
  from pg_trigger where tgenabled = 'D'
"""


async def guards_that_are_down(target: asyncpg.Connection) -> list[str]:
    """A line for each foreign key or check that is not validated, and for each trigger that is off, in all schemas."""
    return [row[0] for query in (UNVALIDATED, DISABLED) for row in await target.fetch(query)]
