"""What a compiled plan will do, for people (`transfuse plan explain`) and as JSON."""

from __future__ import annotations

import msgspec

from shared.ledger.bounds import BatchBounds
from shared.plan.compiled import CompiledMapping, CompiledPlan, LoadProgram
from shared.plan.retired import drop_statement
from shared.plan.source_sql import select_sql


class MappingExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One mapping: what it reads and runs on either side. `packed` are the keys that `rest()` makes."""

    name: str
    into: str
    wave: int
    depends_on: tuple[str, ...]
    cut: str
    encoding: str
    encoders: dict[str, str]
    references: dict[str, str]
    reads: dict[str, tuple[str, ...]]
    packed: tuple[str, ...]
    keys: str
    invented: tuple[str, ...]
    gone: str
    changed: str
    source_sql: str
    transform_sql: str


class PlanExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """A whole plan, mappings in the order in which they run.

    `retired` has by column that is still there what its owner runs once nobody reads it.
    """

    name: str
    hash: str
    mappings: tuple[MappingExplanation, ...]
    retired: dict[str, str] = {}

    def json(self) -> bytes:
        """The same as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def explain(plan: CompiledPlan) -> PlanExplanation:
    """Explain a compiled plan."""
    retired = {f"{one.table}.{one.column}": drop_statement(one) for one in plan.retired if one.there}
    return PlanExplanation(
        name=plan.name, hash=plan.hash, mappings=tuple(map(explain_mapping, plan.mappings)), retired=retired
    )


def explain_mapping(mapping: CompiledMapping) -> MappingExplanation:
    """Explain one mapping."""
    return MappingExplanation(
        name=mapping.name,
        into=str(mapping.load.table),
        wave=mapping.wave,
        depends_on=mapping.depends_on,
        cut=mapping.source.cut.value,
        encoding=mapping.transform.encoding.value,
        encoders={column.name: column.encoder for column in mapping.transform.target_columns},
        references=references_of(mapping),
        reads=mapping.source.read_columns,
        packed=mapping.transform.packed,
        keys="uuid8" if mapping.ordered_keys else "uuid5",
        invented=mapping.invented,
        gone=gone_of(mapping.load),
        changed=mapping.load.changed.value,
        source_sql=select_sql(mapping.source, BatchBounds()),
        transform_sql=mapping.transform.statement,
    )


def references_of(mapping: CompiledMapping) -> dict[str, str]:
    """By column what it refers to, who makes sure of it, and whether it has to wait for a second pass."""
    waiting = () if mapping.second is None else mapping.second.load.references
    found: dict[str, str] = {}
    for reference, later in [(one, "") for one in mapping.load.references] + [
        (one, ", set by a second pass") for one in waiting
    ]:
        by_whom = "enforced" if reference.enforced else "checked by the loader"
        told = f"{reference.mapping} ({by_whom}){later}"
        found[reference.column] = f"{found[reference.column]}; {told}" if reference.column in found else told
    return found


def gone_of(program: LoadProgram) -> str:
    """What a merge does with rows that the source has no more."""
    marks = ", ".join(f"{mark.column}: {'now()' if mark.value is None else mark.value}" for mark in program.marks)
    return f"{program.gone} {marks}" if marks else program.gone.value


def explanation_text(explanation: PlanExplanation) -> str:
    """The explanation as plain text."""
    parts = [f"plan {explanation.name}, {explanation.hash[:12]}: {len(explanation.mappings)} mappings"]
    parts.extend(mapping_text(number, mapping) for number, mapping in enumerate(explanation.mappings, 1))
    if explanation.retired:
        dropped = (
            "Retired, for the owner of the target to drop when nobody reads them:",
            *explanation.retired.values(),
        )
        parts.append("\n   ".join(dropped))
    return "\n\n".join(parts) + "\n"


def mapping_text(number: int, mapping: MappingExplanation) -> str:
    """One mapping as plain text."""
    after = f", after {', '.join(mapping.depends_on)}" if mapping.depends_on else ""
    lines = [
        f"{number}. {mapping.name} -> {mapping.into} (wave {mapping.wave}{after})",
        f"   keys {mapping.keys}, cut by {mapping.cut}, travels as {mapping.encoding}",
        *(f"   reads {table}: {', '.join(columns) or 'no column'}" for table, columns in mapping.reads.items()),
        *(f"   {column} refers to {parent}" for column, parent in mapping.references.items()),
    ]
    if mapping.packed:
        lines.append(f"   rest() packs {', '.join(mapping.packed)}")
    lines.append(f"   in a merge, rows that left the source: {mapping.gone}; changed in the target: {mapping.changed}")
    if mapping.invented:
        lines.append(f"   invented: {', '.join(mapping.invented)}")
    lines += [
        "   on the legacy server:",
        indented(mapping.source_sql),
        "   in DuckDB:",
        indented(mapping.transform_sql),
    ]
    return "\n".join(lines)


def indented(sql: str) -> str:
    """SQL six spaces further right."""
    return "\n".join(f"      {line}" for line in sql.splitlines())
