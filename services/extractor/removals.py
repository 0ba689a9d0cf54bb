"""The removals of a merge as the ledger takes them: what is gone is found when every row was read."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.passes import REMOVAL
from shared.ledger.bounds import BatchBounds
from shared.ledger.planning import CutMapping
from shared.plan.compiled import CompiledMapping
from shared.plan.model import Gone


def removals_of(mappings: Sequence[CompiledMapping]) -> list[CutMapping]:
    """One removal for each mapping whose plan does not leave rows that are gone, with the batch that finds them.

    It waits for the removals of those that refer to it: children go before their parents. References that close a
    circle do not count, so that no two wait for each other.
    """
    return [
        CutMapping(
            mapping=mapping.name,
            pass_number=REMOVAL,
            depends_on=tuple(one.name for one in mappings if refers(one, mapping)),
            in_seq_order=False,
            table=mapping.load.table,
            triggers_off=mapping.load.triggers_off,
            clear_bounds=False,
            driving_rows=0,
            from_rows=0,
            bounds=(BatchBounds(),),
            cut_complete=False,
        )
        for mapping in mappings
        if mapping.load.gone is not Gone.IGNORE
    ]


def refers(child: CompiledMapping, parent: CompiledMapping) -> bool:
    """Whether rows of one mapping refer to rows of another."""
    return child.name != parent.name and any(one.mapping == parent.name for one in child.load.references)
