"""Which foreign keys of the target decide nothing that the loader does not find out itself."""

from __future__ import annotations

from collections.abc import Sequence

from shared.plan.compiled import CompiledMapping


def found_columns(mapping: CompiledMapping, mappings: Sequence[CompiledMapping]) -> tuple[str, ...]:
    """Columns of a mapping's table whose parents the loader looks for in all that is written there.

    A column that some mapping of that table fills otherwise is none of them: its foreign key has to be in force.
    """
    same_table = [other for other in mappings if other.load.table == mapping.load.table]
    own = _found(mapping)
    return tuple(
        sorted(
            column
            for column in own
            if all(column in _found(other) or column not in _written(other) for other in same_table)
        )
    )


def _found(mapping: CompiledMapping) -> set[str]:
    """Columns of which every parent is in the table that the column's foreign key names."""
    references = [*mapping.load.references, *(mapping.second.load.references if mapping.second is not None else ())]
    loose = {reference.column for reference in references if not reference.enforced}
    return {reference.column for reference in references} - loose


def _written(mapping: CompiledMapping) -> set[str]:
    return {*mapping.load.columns, *(mapping.second.load.columns if mapping.second is not None else ())}
