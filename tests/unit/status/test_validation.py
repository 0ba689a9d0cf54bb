"""The report of a dry run: families, shares, thresholds, the verdict."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from shared.core.counts import Counts
from shared.core.families import FAMILY_OF, Family, family_of
from shared.core.states import LoadMode, RunKind, RunState, Stage
from shared.ledger.snapshots import QuarantineCount, WarningCount
from shared.ledger.validations import LeftOut, Limits, PlannedCheck, PlannedValidation, Unchecked, UncheckedKind
from shared.status.status import run_status
from shared.status.validation import Outcome, ValidationDocument, validation_of
from tests.harness.snapshots import mapping_snapshot, run_snapshot
from transfuse.exit_codes import ExitCode
from transfuse.operator import console
from transfuse.screen.validation import exit_code, validation

DRY: dict[str, Any] = {"kind": RunKind.VALIDATE, "mode": LoadMode.CHECK, "state": RunState.COMPLETED}
READ = mapping_snapshot(counts=Counts(read=1000, loaded=997, quarantined=3))


def planned(*checks: PlannedCheck, **fields: Any) -> PlannedValidation:  # noqa: ANN401 - fields of any type
    given: dict[str, Any] = {
        "run": UUID(int=1), "tries": LoadMode.INSERT, "checks": checks, "limits": {}, "left_out": (), "unchecked": (),
        **fields,
    }  # fmt: skip
    return PlannedValidation(**given)


def check(reason: str, column: str, threshold: float = 0.0) -> PlannedCheck:
    return PlannedCheck(mapping="patients", column=column, reason=reason, family=family_of(reason), threshold=threshold)


def refused(code: str, column: str, row_count: int) -> QuarantineCount:
    return QuarantineCount(mapping="patients", stage=Stage.LOAD, code=code, column=column, row_count=row_count)


def report(planned_: PlannedValidation, *quarantine: QuarantineCount, **fields: Any) -> ValidationDocument:  # noqa: ANN401
    return validation_of(planned_, run_snapshot(READ, quarantine=quarantine, **{**DRY, **fields}))


@pytest.mark.parametrize(
    ("threshold", "outcome", "code"),
    ((0.003, Outcome.PASSED, ExitCode.WARNINGS), (0.0029, Outcome.FAILED, ExitCode.FAILED)),
)
def test_a_check_is_passed_up_to_its_threshold(threshold: float, outcome: Outcome, code: ExitCode) -> None:
    found = report(planned(check("unknown_code", "sex", threshold)), refused("unknown_code", "sex", 3))
    assert (found.outcome, exit_code(found)) == (outcome, code)
    (only,) = found.checks
    assert (only.failing, only.checked, only.share) == (3, 1000, 0.003)


def test_a_dry_run_in_which_no_row_fails_is_well() -> None:
    found = report(planned(check("required", "name")))
    assert (found.outcome, exit_code(found)) == (Outcome.PASSED, ExitCode.OK)
    assert "nothing was written" in found.sentence


def test_what_only_the_target_knew_has_the_threshold_of_its_name_its_reason_or_its_mapping() -> None:
    limits = {"patients": Limits(share=0.5, thresholds={"exclusion": 0.25, "no overlap": 0.125})}
    found = report(
        planned(limits=limits),
        *(refused("exclusion", "no overlap", 1), refused("exclusion", "other", 2), refused("refused", "", 3)),
    )
    assert [(one.column, one.threshold) for one in found.checks] == [("", 0.5), ("other", 0.25), ("no overlap", 0.125)]


def test_rows_that_joins_leave_out_fail_the_completeness_of_their_mapping() -> None:
    short = mapping_snapshot(driving_rows=1010, counts=Counts(read=1000, loaded=1000))
    found = validation_of(planned(check("excluded", "")), run_snapshot(short, **DRY))
    (only,) = found.checks
    assert (only.family, only.failing, only.checked, only.passed) == (Family.COMPLETENESS, 10, 1010, False)


def test_warnings_count_and_what_the_plan_brought_in_does_not() -> None:
    warned = tuple(
        WarningCount(mapping="patients", code=code, column="mood", row_count=7) for code in ("rule", "default")
    )
    found = report(planned(check("rule", "mood", 1.0)), warnings=warned)
    assert [(one.reason, one.failing, one.family) for one in found.checks] == [("rule", 7, Family.PLAUSIBILITY)]


def test_families_count_their_checks() -> None:
    found = report(
        planned(check("required", "name"), check("cast", "born"), check("missing_parent", "doctor_id", 1.0)),
        *(refused("cast", "born", 1), refused("missing_parent", "doctor_id", 2)),
    )
    assert [(one.family, one.checks, one.with_failing_rows, one.failed) for one in found.families] == [
        (Family.CONFORMANCE, 2, 2, 1),
        (Family.COMPLETENESS, 1, 0, 0),
        (Family.PLAUSIBILITY, 0, 0, 0),
    ]
    assert set(FAMILY_OF.values()) == set(Family)


@pytest.mark.parametrize(
    ("state", "outcome"),
    ((RunState.RUNNING, Outcome.OPEN), (RunState.CANCELLED, Outcome.FAILED), (RunState.FAILED, Outcome.FAILED)),
)
def test_a_dry_run_that_did_not_end_well_passes_nothing(state: RunState, outcome: Outcome) -> None:
    assert report(planned(), state=state).outcome is outcome


def test_the_screen_says_what_failed_what_is_left_out_and_what_was_not_tried() -> None:
    found = report(
        planned(
            check("unknown_code", "sex"),
            left_out=(LeftOut(table="session", reason="over"), LeftOut(table="patient", column="old")),
            unchecked=tuple(Unchecked(schema="public", table="t", kind=kind, name="n") for kind in UncheckedKind),
        ),
        refused("unknown_code", "sex", 3),
    )
    with console.capture() as captured:
        console.print(validation(found))
    said = captured.get()
    for words in ("unknown_code", "0.300%", "1 tables, 1 columns", "row security", "public.t", "nothing was written"):
        assert words in said


def test_the_verdict_on_a_dry_run_says_that_nothing_was_written() -> None:
    done = run_status(run_snapshot(READ, **DRY)).verdict
    assert (done.code, done.headline) == ("dry_run", "A dry run: nothing was written.")
    cancelled = run_status(run_snapshot(READ, **{**DRY, "state": RunState.CANCELLED})).verdict
    assert "nothing stays" in cancelled.detail
    running = run_status(run_snapshot(READ, **{**DRY, "state": RunState.RUNNING})).verdict
    assert running.code == "running"
