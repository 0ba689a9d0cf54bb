"""Identities that travel through every stage."""

from __future__ import annotations

from uuid import UUID

import msgspec


class BatchRef(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One batch of one mapping of one run: the unit of commands, transactions, retries and progress.

    `generation` rises whenever the content of the batch changes under its number (a split, a new snapshot); the loader
    settles only the generation that the ledger holds. `pass_number` is one of `shared.core.passes`.
    """

    run: UUID
    mapping: str
    pass_number: int = 1
    seq: int
    generation: int
