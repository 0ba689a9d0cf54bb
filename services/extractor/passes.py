"""The passes of a planned run as the ledger takes them: first ones, and those that set references which had to wait."""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from types import MappingProxyType

import msgspec

from services.extractor.counting import MappingCounts
from services.extractor.found_parents import found_columns
from shared.core.passes import SECOND
from shared.core.sums import Sum
from shared.ledger.bounds import BatchBounds
from shared.ledger.planning import CutMapping
from shared.plan.compiled import CompiledMapping, KeyPart

CLEAR_TYPES = frozenset({"smallint", "integer", "bigint", "uuid"})
"""Types of keys that may stand in the ledger unsealed."""


def cuts_of(
    cut: Sequence[tuple[CompiledMapping, tuple[BatchBounds, ...]]],
    counts: ReadOnly[str, MappingCounts],
    sums: ReadOnly[str, dict[str, Sum]] = MappingProxyType({}),
) -> list[CutMapping]:
    """First passes as the ledger takes them, and after them second ones, over the same ranges of the key."""
    mappings = [mapping for mapping, _ in cut]
    first = [
        msgspec.structs.replace(
            cut_of(mapping, 1, counts[mapping.name], ranges),
            source_sums=sums.get(mapping.name),
            found_columns=found_columns(mapping, mappings),
            key_column=mapping.load.key_column,
        )
        for mapping, ranges in cut
    ]
    second = [
        cut_of(mapping.of_pass(SECOND), SECOND, counts[mapping.name], ranges)
        for mapping, ranges in cut
        if mapping.second is not None
    ]
    return [*first, *second]


def cut_of(mapping: CompiledMapping, number: int, counts: MappingCounts, bounds: tuple[BatchBounds, ...]) -> CutMapping:
    """One pass of a mapping as the ledger takes it."""
    return CutMapping(
        mapping=mapping.name,
        pass_number=number,
        depends_on=mapping.depends_on,
        in_seq_order=mapping.load.in_seq_order,
        table=mapping.load.table,
        triggers_off=mapping.load.triggers_off,
        clear_bounds=has_clear_bounds(mapping.source.cut_key) and not any(item.edits for item in bounds),
        driving_rows=counts.driving_rows,
        from_rows=counts.from_rows,
        bounds=bounds,
    )


def has_clear_bounds(cut_key: Sequence[KeyPart]) -> bool:
    """Whether the key's values say nothing about a person: integers and uuids."""
    return all(part.type_name in CLEAR_TYPES for part in cut_key)
