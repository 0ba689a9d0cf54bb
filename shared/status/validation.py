"""The report of a dry run: every check of the plan and of the target, by family, and what became of the rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from uuid import UUID

from shared.core.document import Document
from shared.core.families import Family, family_of
from shared.core.states import Brought, LoadMode, RunState
from shared.ledger.snapshots import RunSnapshot
from shared.ledger.validations import LeftOut, PlannedCheck, PlannedValidation, UncheckedKind

EXCLUDED = "excluded"


class Outcome(StrEnum):
    """What a validation came to; OPEN until the dry run has completed."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"


class CheckResult(Document, frozen=True, kw_only=True):
    """One check: `failing` of `checked` rows of the mapping, as a share, and the share up to which it is passed."""

    mapping: str
    column: str
    reason: str
    family: Family
    checked: int
    failing: int
    share: float
    threshold: float
    passed: bool


class FamilyResult(Document, frozen=True, kw_only=True):
    """All checks of one family: how many there are, how many of them some row failed, how many failed."""

    family: Family
    checks: int
    with_failing_rows: int
    failed: int


class LeftOutDocument(Document, frozen=True, kw_only=True):
    """A legacy table that the plan does not move, or a column that it does not read, with the reason that it states."""

    table: str
    column: str
    reason: str


class UncheckedDocument(Document, frozen=True, kw_only=True):
    """Something of a target table that was not tried, by its kind and name."""

    table: str
    kind: UncheckedKind
    name: str


class ValidationDocument(Document, frozen=True, kw_only=True):
    """The report of a dry run, of which nothing was written to the target. Names and counts, no values of rows.

    `tries` is the mode of the run that was tried. `checks` begin with those that failed, then those that some row
    failed. `not_checked` is what only a real run shows.
    """

    run_id: UUID
    migration_id: UUID
    migration: str
    plan: str
    plan_version: int
    state: RunState
    tries: LoadMode
    outcome: Outcome
    sentence: str
    families: tuple[FamilyResult, ...]
    checks: tuple[CheckResult, ...]
    left_out: tuple[LeftOutDocument, ...]
    not_checked: tuple[UncheckedDocument, ...]


def validation_of(planned: PlannedValidation, snapshot: RunSnapshot) -> ValidationDocument:
    """The report, from what was to be checked and what the ledger has of the run."""
    checks = tuple(sorted(_checks(planned, snapshot), key=_place))
    outcome = _outcome(snapshot.state, checks)
    return ValidationDocument(
        run_id=snapshot.run,
        migration_id=snapshot.migration_id,
        migration=snapshot.migration,
        plan=snapshot.plan_name,
        plan_version=snapshot.plan_version,
        state=snapshot.state,
        tries=planned.tries,
        outcome=outcome,
        sentence=_sentence(outcome, snapshot, checks),
        families=tuple(_family(family, checks) for family in Family),
        checks=checks,
        left_out=tuple(map(_left_out, planned.left_out)),
        not_checked=tuple(
            UncheckedDocument(table=f"{one.schema}.{one.table}", kind=one.kind, name=one.name)
            for one in planned.unchecked
        ),
    )


def _checks(planned: PlannedValidation, snapshot: RunSnapshot) -> Iterator[CheckResult]:
    """Those that were planned, and behind them reasons that only the target knew."""
    failing = _failing(snapshot)
    first = {mapping.mapping: mapping for mapping in snapshot.mappings if mapping.pass_number == 1}
    for check in (*planned.checks, *_unplanned(planned, failing)):
        mapping = first.get(check.mapping)
        checked = 0 if mapping is None else mapping.counts.read
        count = failing[check.mapping][check.reason, check.column]
        if check.reason == EXCLUDED and mapping is not None and mapping.driving_rows is not None:
            checked, count = mapping.driving_rows, mapping.driving_rows - (mapping.from_rows or 0)
        share = count / checked if checked else float(count > 0)
        yield CheckResult(
            mapping=check.mapping,
            column=check.column,
            reason=check.reason,
            family=check.family,
            checked=checked,
            failing=count,
            share=share,
            threshold=check.threshold,
            passed=share <= check.threshold,
        )


def _failing(snapshot: RunSnapshot) -> defaultdict[str, Counter[tuple[str, str]]]:
    """By mapping, rows by reason and column: refused ones, and those that a warning counts."""
    found: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for refused in snapshot.quarantine:
        found[refused.mapping][refused.code, refused.column] += refused.row_count
    for warned in snapshot.warnings:
        if warned.code not in set(Brought):
            found[warned.mapping][warned.code, warned.column] += warned.row_count
    return found


def _unplanned(
    planned: PlannedValidation, failing: defaultdict[str, Counter[tuple[str, str]]]
) -> Iterator[PlannedCheck]:
    known = {(check.mapping, check.reason, check.column) for check in planned.checks}
    for mapping, reasons in sorted(failing.items()):
        for reason, column in sorted(reasons):
            if (mapping, reason, column) not in known:
                yield PlannedCheck(
                    mapping=mapping,
                    column=column,
                    reason=reason,
                    family=family_of(reason),
                    threshold=planned.threshold(mapping, reason, column),
                )


def _outcome(state: RunState, checks: Iterable[CheckResult]) -> Outcome:
    if state in {RunState.FAILED, RunState.CANCELLED}:
        return Outcome.FAILED
    if state is not RunState.COMPLETED:
        return Outcome.OPEN
    return Outcome.PASSED if all(check.passed for check in checks) else Outcome.FAILED


def _sentence(outcome: Outcome, snapshot: RunSnapshot, checks: tuple[CheckResult, ...]) -> str:
    read, failed = snapshot.counts.read, sum(not check.passed for check in checks)
    tried = f"{read:,} rows were tried, nothing was written."
    match outcome:
        case Outcome.PASSED:
            return f"Passed: every check is within its threshold. {tried}"
        case Outcome.OPEN:
            return f"The dry run has not ended yet. {tried}"
        case _ if snapshot.state is not RunState.COMPLETED:
            return f"The dry run did not come to its end ({snapshot.reason or snapshot.state}). {tried}"
        case _:
            are = "check is" if failed == 1 else "checks are"
            return f"Failed: {failed} {are} beyond the threshold. {tried}"


def _family(family: Family, checks: tuple[CheckResult, ...]) -> FamilyResult:
    own = [check for check in checks if check.family is family]
    return FamilyResult(
        family=family,
        checks=len(own),
        with_failing_rows=sum(check.failing > 0 for check in own),
        failed=sum(not check.passed for check in own),
    )


def _left_out(one: LeftOut) -> LeftOutDocument:
    return LeftOutDocument(table=one.table, column=one.column, reason=one.reason)


def _place(check: CheckResult) -> tuple[bool, bool, float]:
    return check.passed, check.failing == 0, -check.share
