"""The programs of one mapping: of its rows, of references that have to wait, or of columns that are filled in late."""

from __future__ import annotations

import msgspec

from shared.plan.aliases import Aliases
from shared.plan.compiled import CompiledMapping, SecondPass, SourceColumn, SourceProgram
from shared.plan.deferred import Order
from shared.plan.follows import with_followed, with_room
from shared.plan.from_clause import FromClause
from shared.plan.keys import KeySignature
from shared.plan.load_program import load_program
from shared.plan.model import Mapping, Plan
from shared.plan.patching import late_share, second_share, used_by_share
from shared.plan.references import key_column
from shared.plan.report import Report
from shared.plan.selection import Selection
from shared.plan.source_program import source_program
from shared.plan.transform_sql import Share, compile_transform
from shared.plan.used_columns import UsedColumns
from shared.postgres.catalog import Catalog, Table


class SourcePart(msgspec.Struct, frozen=True, kw_only=True):
    """One mapping's source side: what it is made of, the program, and the signature of its key."""

    mapping: Mapping
    clause: FromClause
    aliases: Aliases
    used: UsedColumns
    program: SourceProgram
    signature: KeySignature

    def columns(self, program: SourceProgram) -> dict[str, dict[str, SourceColumn]]:
        """The columns that a program selects, by alias and name."""
        columns: dict[str, dict[str, SourceColumn]] = {item.alias: {} for item in self.clause.items}
        for column in program.columns:
            columns[column.alias][column.column] = column
        return columns


class Compiling(msgspec.Struct, frozen=True, kw_only=True):
    """What compiling each mapping needs of all of them."""

    plan: Plan
    source: Catalog
    signatures: dict[str, KeySignature]
    order: Order
    selection: Selection
    tables: dict[str, Table | None]


def compile_whole(of: Compiling, part: SourcePart, table: Table, report: Report) -> CompiledMapping:
    """A mapping whose rows are to be loaded, with the second pass where references of it have to wait."""
    mapping = part.mapping
    waiting = of.order.deferred.get(mapping.name, ())
    whole, room = with_followed(mapping), with_room(table, mapping)
    share = Share(whole=mapping, unwritten=frozenset(waiting))
    columns = part.columns(part.program)
    transform = compile_transform(of.plan, whole, part.program, columns, room, of.signatures, share)
    written = {column.column for column in mapping.columns}.difference(waiting)
    return CompiledMapping(
        name=mapping.name,
        key_domain=mapping.key_domain,
        ordered_keys=part.signature.ordered,
        wave=of.order.waves[mapping.name],
        depends_on=chosen(of, of.order.depends_on[mapping.name]),
        source=part.program,
        transform=transform,
        load=load_program(of.plan, mapping, table, report, written=written, deferred=waiting, tables=of.tables),
        invented=tuple(column.column for column in mapping.columns if column.invented),
        second=compile_second(of, part, table, waiting, report) if waiting else None,
    )


def compile_second(
    of: Compiling, part: SourcePart, table: Table, waiting: tuple[str, ...], report: Report
) -> SecondPass:
    """The programs that set the references of a mapping which had to wait."""
    mapping = second_share(part.mapping, waiting)
    program = source_of_share(of, part, mapping, report)
    share = Share(whole=part.mapping, second=True)
    columns = part.columns(program)
    return SecondPass(
        columns=waiting,
        depends_on=chosen(of, of.order.waits_for(part.mapping)),
        source=program,
        transform=compile_transform(of.plan, mapping, program, columns, table, of.signatures, share),
        load=load_program(of.plan, mapping, table, report, deferred=waiting, patches=True),
    )


def compile_late(of: Compiling, part: SourcePart, table: Table, report: Report) -> CompiledMapping:
    """A mapping of which some columns are filled in late, of rows that are there."""
    whole, columns = part.mapping, of.selection.columns[part.mapping.name]
    mapping = late_share(whole, columns)
    program = source_of_share(of, part, mapping, report)
    written = {key_column(mapping), *columns}
    share = Share(
        whole=whole, unwritten=frozenset(column.column for column in mapping.columns if column.column not in written)
    )
    waiting = of.order.deferred.get(whole.name, ())
    return CompiledMapping(
        name=whole.name,
        key_domain=whole.key_domain,
        ordered_keys=part.signature.ordered,
        wave=0,
        depends_on=(),
        source=program,
        transform=compile_transform(of.plan, mapping, program, part.columns(program), table, of.signatures, share),
        load=load_program(
            of.plan, mapping, table, report, written=written, deferred=waiting, patches=True, tables=of.tables
        ),
        invented=tuple(column.column for column in mapping.columns if column.invented),
    )


def source_of_share(of: Compiling, part: SourcePart, share: Mapping, report: Report) -> SourceProgram:
    """The program that reads no more than a share of a mapping needs; content keys need every column to be the same."""
    if part.program.content_key:
        return part.program
    used = used_by_share(share, part.used, part.aliases, report)
    return source_program(part.mapping, part.clause, part.aliases, used, part.signature, of.source)


def chosen(of: Compiling, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of some mappings that are part of the run; the rows of the others are expected in the target."""
    return tuple(name for name in names if name in of.selection.mappings)
