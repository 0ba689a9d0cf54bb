"""What a dry run checks, by mapping, as its plan was compiled; and what the plan leaves out of the legacy database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.extractor.compilation import Compilation
from shared.core.families import family_of
from shared.core.passes import SECOND
from shared.core.states import LoadMode
from shared.ledger.validations import LeftOut, Limits, PlannedCheck, Unchecked, UncheckedKind
from shared.plan.compiled import CheckEffect, CompiledMapping
from shared.plan.model import Gone
from shared.postgres.catalog import Catalog, Table

EXCLUDED = "excluded"


class Foreseen(NamedTuple):
    """What the report of a dry run needs to know beforehand."""

    checks: tuple[PlannedCheck, ...]
    limits: dict[str, Limits]
    left_out: tuple[LeftOut, ...]
    unchecked: tuple[Unchecked, ...]


def foreseen(compilation: Compilation, tries: LoadMode) -> Foreseen:
    """The same for a plan and the mode that is tried."""
    return Foreseen(
        checks=checks_of(compilation),
        limits=limits_of(compilation),
        left_out=left_out(compilation),
        unchecked=tuple(_not_removed(compilation)) if tries is LoadMode.MERGE else (),
    )


def checks_of(compilation: Compilation) -> tuple[PlannedCheck, ...]:
    """Every check of every mapping, each once: what the transformer asks, and what the target does."""
    return tuple(
        check
        for mapping in compilation.compiled.mappings
        for check in _checks(mapping, compilation.target.tables.get(mapping.load.table.name))
    )


def limits_of(compilation: Compilation) -> dict[str, Limits]:
    """The thresholds of every mapping."""
    return {mapping.name: _limits(mapping) for mapping in compilation.compiled.mappings}


def left_out(compilation: Compilation) -> tuple[LeftOut, ...]:
    """Tables that the plan lists as not moved, and columns that nothing reads of those that it does."""
    listed = [LeftOut(table=table, reason=reason) for table, reason in sorted(compilation.plan.unmapped.items())]
    return (*listed, *_unread(compilation, compilation.source))


def _checks(mapping: CompiledMapping, table: Table | None) -> Iterator[PlannedCheck]:
    limits = _limits(mapping)
    found = dict.fromkeys(_reasons(mapping, table))
    for reason, column in found:
        threshold = limits.of(reason, column)
        if reason == EXCLUDED and EXCLUDED not in mapping.load.thresholds:
            threshold = 1.0 if mapping.source.excludes_expected else 0.0
        yield PlannedCheck(
            mapping=mapping.name, column=column, reason=reason, family=family_of(reason), threshold=threshold
        )


def _limits(mapping: CompiledMapping) -> Limits:
    return Limits(share=mapping.load.quarantine_limit.share, thresholds=mapping.load.thresholds)


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


def _not_removed(compilation: Compilation) -> Iterator[Unchecked]:
    """A merge would end with the rows that are gone from the source; a dry run has no such pass."""
    for mapping in compilation.compiled.mappings:
        table = mapping.load.table
        if mapping.load.gone is not Gone.IGNORE:
            yield Unchecked(schema=table.schema, table=table.name, kind=UncheckedKind.REMOVAL, name=mapping.name)


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
