"""Which rows a repair is of: those that a verify found different or missing, by their legacy keys, opened."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from shared.core.errors import Refused
from shared.crypto.aad import row_aad
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger.replaying import KeysGone, WaitingRow
from shared.postgres.sql_files import load_sql

SQL = load_sql("shared.ledger", "repairing.sql")


async def is_verify(connection: asyncpg.Connection, run: UUID) -> bool:
    """Whether a run compared rows, its own or another's: what is about it repairs them."""
    return bool(await connection.fetchval(SQL["is_verify"], run))


async def read_repair(
    connection: asyncpg.Connection, keyring: Keyring, verify: UUID, *, with_changed: bool
) -> tuple[WaitingRow, ...]:
    """The rows, each once. Raises Refused `nothing_to_repair`, KeysGone, KeyNotListed, SealBroken."""
    rows = await connection.fetch(SQL["rows"], verify, with_changed)
    if not rows:
        raise Refused(
            "The verify found no row that a repair could set right.",
            code="nothing_to_repair",
            remedy="Verify the run again.",
        )
    if rows[0]["wrapped"] is None:
        raise KeysGone(f"the key of run {verify} is gone, and the rows that it found cannot be read")
    key = RunKey(keyring.unwrap(rows[0]["wrapped"], verify))
    return tuple(
        WaitingRow(
            run=verify,
            mapping=row["mapping"],
            pass_number=row["pass"],
            seq=row["seq"],
            target_key=row["target_key"],
            legacy_key=key.open_(row["sealed_key"], row_aad(verify, row["id"])).decode(),
        )
        for row in rows
    )
