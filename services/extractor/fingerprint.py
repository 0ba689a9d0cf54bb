"""A fingerprint of every table that a plan reads or writes, so that a change during a run is seen and named."""

from __future__ import annotations

import hashlib

import msgspec

from shared.plan.compiled import CompiledPlan
from shared.postgres.catalog import Catalog, Table

DIGEST_CHARACTERS = 16


def fingerprint(plan: CompiledPlan, source: Catalog, target: Catalog) -> str:
    """JSON of `source schema.table` and `target schema.table` to a digest of what each is made of.

    Estimates and triggers are left out: the loader itself switches triggers off and on.
    """
    read = {str(table): source.tables.get(table.name) for m in plan.mappings for table in m.source.tables}
    written = {str(m.load.table): target.tables.get(m.load.table.name) for m in plan.mappings}
    digests = {f"source {name}": _digest(table) for name, table in read.items()}
    digests |= {f"target {name}": _digest(table) for name, table in written.items()}
    return msgspec.json.encode(dict(sorted(digests.items()))).decode()


def drifted(before: str, after: str) -> tuple[str, ...]:
    """Names of the tables whose digests differ."""
    old, new = (msgspec.json.decode(text, type=dict[str, str]) for text in (before, after))
    return tuple(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))


def _digest(table: Table | None) -> str:
    if table is None:
        return ""
    plain = msgspec.structs.replace(table, row_estimate=-1, byte_estimate=0, triggers=(), children=())
    return hashlib.sha256(msgspec.json.encode(plain)).hexdigest()[:DIGEST_CHARACTERS]
