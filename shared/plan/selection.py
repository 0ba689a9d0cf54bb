"""What a run is of, where it is not of the whole plan: some mappings, or some columns of rows that are there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.core.errors import Refused
from shared.core.states import LoadMode
from shared.plan.model import Plan
from shared.plan.references import key_column
from shared.plan.report import nearest


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Mappings in the order of the plan; where `columns` are given, a back-fill of these, by mapping."""

    mappings: tuple[str, ...]
    columns: dict[str, tuple[str, ...]] = {}

    @property
    def back_fills(self) -> bool:
        """Whether rows that are there get some columns anew, and no row is inserted."""
        return bool(self.columns)


def select(plan: Plan, only: Sequence[str]) -> Selection:
    """What `only` asks for: names of mappings, or `mapping.column`; the whole plan where it is empty.

    Raises Refused with code `unknown_mapping`, `unknown_column`, or `contradiction` where both sorts are asked for.
    """
    if not only:
        return Selection(mappings=tuple(mapping.name for mapping in plan.mappings))
    asked: dict[str, list[str]] = {}
    for text in only:
        name, dot, column = text.partition(".")
        _check_mapping(plan, name)
        asked.setdefault(name, [])
        if dot:
            _check_column(plan, name, column)
            asked[name].append(column)
    whole = [name for name, columns in asked.items() if not columns]
    if (whole and len(whole) < len(asked)) or any("." not in text and asked[text] for text in only):
        raise Refused(
            "A run is of whole mappings or of single columns, not of both.",
            code="contradiction",
            remedy="Start one run of the mappings, and another one of the columns when it is done.",
        )
    chosen = tuple(mapping.name for mapping in plan.mappings if mapping.name in asked)
    columns = {
        mapping.name: tuple(one.column for one in mapping.columns if one.column in asked[mapping.name])
        for mapping in plan.mappings
        if asked.get(mapping.name)
    }
    return Selection(mappings=chosen, columns=columns)


def mode_of(only: Sequence[str], asked: LoadMode | None) -> LoadMode:
    """How batches of a run end: single columns are patched, everything else is inserted unless a merge is asked for.

    Raises Refused with code `contradiction` where that is not what is asked for.
    """
    back_fills = any("." in text for text in only)
    if asked is not None and (asked is LoadMode.PATCH) is not back_fills:
        raise Refused(
            f"The mode {asked} does not go with what the run is of.",
            code="contradiction",
            remedy="A run that names columns (`mapping.column`) is of mode patch, and no other is: leave the mode out.",
        )
    return asked or (LoadMode.PATCH if back_fills else LoadMode.INSERT)


def tried_mode(only: Sequence[str], asked: LoadMode | None) -> LoadMode:
    """The mode that a dry run tries, insert unless a merge is asked for.

    Raises Refused with code `contradiction` for another one, `not_available` for columns that are filled in late.
    """
    mode = mode_of(only, None if asked is LoadMode.CHECK else asked)
    if mode is LoadMode.PATCH:
        raise Refused(
            "A dry run tries whole mappings, no columns of rows that are there.",
            code="not_available",
            remedy="Name mappings without columns, or leave the dry run out.",
        )
    if mode not in {LoadMode.INSERT, LoadMode.MERGE}:
        raise Refused(
            f"A dry run tries insert or merge, not {mode}.", code="contradiction", remedy="Leave out the mode."
        )
    return mode


def _check_mapping(plan: Plan, name: str) -> None:
    known = [mapping.name for mapping in plan.mappings]
    if name not in known:
        raise Refused(
            f"The plan has no mapping {name!r}.{_meant(name, known)}",
            code="unknown_mapping",
            remedy=f"Name some of: {', '.join(known)}.",
        )


def _check_column(plan: Plan, name: str, column: str) -> None:
    mapping = plan.mapping(name)
    known = [one.column for one in mapping.columns if one.column != key_column(mapping)]
    if column not in known:
        raise Refused(
            f"The mapping {name} has no column {column!r} that could be set later.{_meant(column, known)}",
            code="unknown_column",
            remedy=f"Name some of: {', '.join(known)}.",
        )


def _meant(wrong: str, known: list[str]) -> str:
    found = nearest(wrong, known)
    return f" Did you mean {found!r}?" if found else ""
