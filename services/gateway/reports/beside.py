"""What a report has beside the run's own figures: the plan's words, the codes that were met, a verify, the audit."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from services.gateway.documents.report import (
    AuditedAct,
    CodebookReport,
    CodeReport,
    FilterReport,
    MappingTime,
    VerifyReport,
)
from shared.core.passes import FIRST
from shared.ledger.met import MetBook
from shared.ledger.provenance import Provenance
from shared.ledger.snapshots import RunSnapshot
from shared.ledger.verification import Verification
from shared.plan.model import Mapping, MissingParent, Plan


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What else is known of a run; None and nothing where it is not."""

    plan: Plan | None = None
    books: tuple[MetBook, ...] = ()
    verification: Verification | None = None


def filters_of(snapshot: RunSnapshot, plan: Plan | None) -> tuple[FilterReport, ...]:
    """Mappings of which rows may be, or were, left out by rule, with the plan's own words for it."""
    written = {} if plan is None else {mapping.name: mapping for mapping in plan.mappings}
    found = [
        FilterReport(
            mapping=one.mapping,
            keep=_keep(written.get(one.mapping)),
            parents=tuple(_taken_along(written.get(one.mapping))),
            rows=one.counts.filtered,
        )
        for one in snapshot.mappings
        if one.pass_number == FIRST
    ]
    return tuple(one for one in found if one.keep or one.parents or one.rows)


def _keep(mapping: Mapping | None) -> str:
    return "" if mapping is None or mapping.keep is None else mapping.keep.value


def _taken_along(mapping: Mapping | None) -> Iterable[str]:
    """References of which a missing parent takes the row along."""
    policies = {} if mapping is None else mapping.missing_parent
    return (name for name, policy in policies.items() if MissingParent.FILTER_TOO in policy.fates)


def codebooks_of(books: Iterable[MetBook]) -> tuple[CodebookReport, ...]:
    """What code books met, as the report has it."""
    return tuple(
        CodebookReport(
            mapping=one.mapping,
            column=one.column,
            book=one.book,
            codes=tuple(CodeReport(code=met.code, meaning=met.meaning, rows=met.row_count) for met in one.codes),
            rare=one.rare_codes,
            unknown=one.unknown_codes,
            unknown_rows=one.unknown_rows,
            otherwise=one.otherwise,
            many=one.many,
            untold=one.untold,
        )
        for one in books
    )


def times_of(snapshot: RunSnapshot) -> tuple[MappingTime, ...]:
    """How long each pass of a mapping took."""
    return tuple(
        MappingTime(
            mapping=one.mapping,
            pass_number=one.pass_number,
            started_at=one.started_at,
            settled_at=one.settled_at,
            seconds=None
            if one.started_at is None or one.settled_at is None
            else round((one.settled_at - one.started_at).total_seconds(), 3),
            rows_per_second=round(one.rows_per_second, 1),
        )
        for one in snapshot.mappings
    )


def verify_of(found: Verification | None) -> VerifyReport | None:
    """The sums of a verify over all mappings."""
    if found is None:
        return None
    names = ("checked", "equal", "different", "missing", "unexpected", "changed_since", "could_not_verify")
    extra = [mapping.extra for mapping in found.mappings if mapping.extra is not None]
    return VerifyReport(
        run_id=found.run,
        outcome=found.outcome,
        sample=found.sample,
        extra=sum(extra) if extra else None,
        compared_with=found.compared_with,
        **{name: sum(getattr(mapping, name) for mapping in found.mappings) for name in names},
    )


def audit_of(provenance: Provenance) -> tuple[AuditedAct, ...]:
    """Who did what, as the audit has it."""
    return tuple(
        AuditedAct(at=one.at, actor=one.actor, action=one.action, outcome=one.outcome) for one in provenance.audited
    )
