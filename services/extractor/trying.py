"""What a dry run checks, by mapping, as its plan was compiled; and what the plan leaves out of the legacy database."""

from __future__ import annotations

from collections.abc import Iterator

from services.extractor.compilation import Compilation
from shared.core.families import family_of
from shared.core.passes import SECOND
from shared.ledger.validations import LeftOut, PlannedCheck
from shared.plan.compiled import CheckEffect, CompiledMapping
from shared.plan.thresholds import threshold_of
from shared.postgres.catalog import Catalog, Table

EXCLUDED = "excluded"


def checks_of(compilation: Compilation) -> tuple[PlannedCheck, ...]:
    """Every check of every mapping, each once: what the transformer asks, and what the target does."""
    return tuple(
        check
        for mapping in compilation.compiled.mappings
        for check in _checks(mapping, compilation.target.tables.get(mapping.load.table.name))
    )


def left_out(compilation: Compilation) -> tuple[LeftOut, ...]:
    """Tables that the plan lists as not moved, and columns that nothing reads of those that it does."""
    listed = [LeftOut(table=table, reason=reason) for table, reason in sorted(compilation.plan.unmapped.items())]
    return (*listed, *_unread(compilation, compilation.source))


def _checks(mapping: CompiledMapping, table: Table | None) -> Iterator[PlannedCheck]:
    found = dict.fromkeys(_reasons(mapping, table))
    for reason, column in found:
        threshold = threshold_of(mapping.load.thresholds, mapping.load.quarantine_limit, reason, column)
        if reason == EXCLUDED and EXCLUDED not in mapping.load.thresholds:
            threshold = 1.0 if mapping.source.excludes_expected else 0.0
        yield PlannedCheck(
            mapping=mapping.name, column=column, reason=reason, family=family_of(reason), threshold=threshold
        )


def _reasons(mapping: CompiledMapping, table: Table | None) -> Iterator[tuple[str, str]]:
    """Reasons and columns, in the order of the pipeline."""
    yield EXCLUDED, ""
    passes = [mapping] if mapping.second is None else [mapping, mapping.of_pass(SECOND)]
    for one in passes:
        yield from ((c.reason, c.column) for c in one.transform.checks if c.effect is not CheckEffect.NOTE)
        yield from (("missing_parent", reference.column) for reference in one.load.references)
    yield from (("required", column.name) for column in mapping.transform.target_columns if column.not_null)
    for key in table.keys if table is not None else ():
        if not key.primary:
            yield "duplicate_of", ", ".join(key.columns) or key.name


def _unread(compilation: Compilation, source: Catalog) -> Iterator[LeftOut]:
    read: dict[str, set[str]] = {}
    for mapping in compilation.compiled.mappings:
        for table in mapping.source.tables:
            read.setdefault(table.name, set()).update(mapping.source.read_columns.get(str(table), ()))
    for name, columns in sorted(read.items()):
        known = source.tables.get(name)
        for column in () if known is None else known.columns:
            if column.name not in columns:
                yield LeftOut(table=name, column=column.name)
