"""Rows whose own key is in the target already: equal ones are unchanged, different ones are taken, or updated."""

from __future__ import annotations

import asyncpg

from services.loader.statements import Statements, identity_columns
from services.loader.verdicts import Verdicts
from shared.core.states import LoadMode
from shared.messages.data import Reason
from shared.plan.compiled import LoadProgram

KEY_TAKEN = "key_taken"


async def judge_own_keys(
    connection: asyncpg.Connection, program: LoadProgram, statements: Statements, verdicts: Verdicts, mode: LoadMode
) -> bool:
    """Compare staged rows with those of the same key in the target; whether there were any.

    An equal row is `unchanged` whatever else was found: it is never a bad row. A different one is quarantined by a run
    of mode insert, and updated by every other one. The second pass of an insert sets what is NULL and no other value.
    """
    if not statements.compare:
        return False
    found = await connection.fetch(statements.compare)
    reason = Reason(code=KEY_TAKEN, column=", ".join(identity_columns(program)))
    for row in found:
        if row["same"]:
            verdicts.keep(row["ordinal"])
        elif mode is LoadMode.INSERT and row["taken"]:
            verdicts.refuse(row["ordinal"], reason)
        else:
            verdicts.updated.add(row["ordinal"])
    return bool(found)
