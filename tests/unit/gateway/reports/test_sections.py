"""What a report says beyond the balance: money, what was left out and why, codes, a verify, times, the audit."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console

from services.gateway.documents.report import ProofState, ReportDocument
from services.gateway.reports.beside import Beside
from services.gateway.reports.page import report_page
from services.gateway.reports.report import run_report
from shared.core.findings import VerifyOutcome
from shared.core.states import RunKind, RunState
from shared.core.sums import ProvenSum, SumState
from shared.ledger.met import MetBook, MetCount
from shared.ledger.provenance import Audited, Provenance
from shared.ledger.verification import MappingVerification, Verification
from tests.harness.snapshots import READ, STARTED, after, mapping_snapshot, run_snapshot
from tests.planning import BOOKS, DOCTORS, HEAD, PATIENTS, UNMAPPED, read
from transfuse.screen.report import report_view

NASTY = "<b>\"'&"
RUN = UUID(int=7)
PROVENANCE = Provenance(
    transfuse_version="0.1.0",
    duckdb_version="1.4",
    plan_hash="9c41",
    snapshot_at=STARTED,
    preflight_at=STARTED,
    audited=(Audited(at=after(1), actor="ops.lead", action="run.start", outcome="done"),),
)
PLAN = read(
    HEAD + BOOKS + DOCTORS + PATIENTS + "    keep: p.notes IS NOT NULL\n    missing_parent: {doctor_id: filter_too}\n"
    "  - name: offices\n    into: offices\n    from: contact c\n    key: c.id\n    columns:\n      id: key()\n"
    + UNMAPPED
)


def told(*sums: ProvenSum, **beside: Any) -> ReportDocument:  # noqa: ANN401 - fields of any type
    patients = mapping_snapshot("patients", started_at=STARTED, settled_at=after(4), rows_per_second=250.0, sums=sums)
    snapshot = run_snapshot(patients, state=RunState.COMPLETED, finished_at=after(5))
    return run_report(snapshot, PROVENANCE, None, written_at=READ, beside=Beside(**beside))


def proof(report: ReportDocument, code: str) -> tuple[ProofState, str]:
    (found,) = [one for one in report.evidence if one.code == code]
    return found.state, found.result


def test_what_is_not_known_is_said_and_no_section_stands_for_it() -> None:
    report = told()
    assert proof(report, "sums")[0] is ProofState.NOT_CHECKED
    assert proof(report, "compared") == (ProofState.NOT_CHECKED, "not checked: no verify was run")
    page = report_page(report)
    assert not [title for title in ("Money, to", "Codes met", "Verified against", "Left out by") if title in page]


@pytest.mark.parametrize(
    ("state", "expected", "words"),
    (
        (SumState.AGREES, ProofState.HOLDS, "1 columns agree to the last digit"),
        (SumState.DIFFERS, ProofState.FAILED, "1 columns differ"),
        (SumState.NOT_COMPARABLE, ProofState.NOT_CHECKED, "1 columns are not comparable"),
    ),
)
def test_sums_are_evidence(state: SumState, expected: ProofState, words: str) -> None:
    report = told(ProvenSum(column="amount", state=state, source="12.5", target="12.5"))
    assert proof(report, "sums") == (expected, words)
    assert [(one.mapping, one.column, one.source) for one in report.sums] == [("patients", "amount", "12.5")]
    assert "12.5" in report_page(report)


def test_a_sum_of_few_rows_is_not_shown() -> None:
    page = report_page(told(ProvenSum(column="amount", state=SumState.AGREES, reason="computed", withheld=True)))
    assert "too few rows to show" in page
    assert "computed by the plan" in page


def test_filters_are_told_in_the_words_of_the_plan_with_their_rows() -> None:
    (found,) = told(plan=PLAN).filters
    assert (found.mapping, found.keep, found.parents) == ("patients", "p.notes IS NOT NULL", ("doctor_id",))
    assert "p.notes IS NOT NULL" in report_page(told(plan=PLAN))


def test_codes_are_told_with_their_meaning_and_rare_and_unknown_ones_by_their_number() -> None:
    book = MetBook(
        mapping="patients",
        column="sex",
        book="sex",
        codes=(MetCount(code=NASTY, meaning="male", row_count=1200),),
        rare_codes=2,
        unknown_codes=3,
        unknown_rows=None,
        otherwise="other",
    )
    report = told(books=(book,))
    page = report_page(report)
    assert [(code.code, code.meaning, code.rows) for code in report.codebooks[0].codes] == [(NASTY, "male", 1200)]
    assert NASTY not in page
    for words in ("1,200", "2 more of the book", "3 that the book does not know", "become other", "fewer than five"):
        assert words in page


def test_codes_that_nobody_could_count_are_named_as_such() -> None:
    page = report_page(told(books=(MetBook(mapping="patients", column="sex", book="sex", untold=True),)))
    assert "made by a function that only the run computes" in page


@pytest.mark.parametrize(
    ("mapping", "outcome", "state"),
    (
        (MappingVerification(mapping="patients", checked=9, equal=9), VerifyOutcome.EQUAL, ProofState.HOLDS),
        (
            MappingVerification(mapping="patients", checked=9, equal=8, different=1),
            VerifyOutcome.DIFFERENT,
            ProofState.FAILED,
        ),
        (
            MappingVerification(mapping="patients", checked=8, equal=8, could_not_verify=1),
            VerifyOutcome.COULD_NOT_VERIFY,
            ProofState.NOT_CHECKED,
        ),
    ),
)
def test_a_verify_is_evidence(mapping: MappingVerification, outcome: VerifyOutcome, state: ProofState) -> None:
    verification = Verification(
        run=RUN, about=RUN, kind=RunKind.VERIFY, state=RunState.COMPLETED, outcome=outcome, mappings=(mapping,)
    )
    report = told(verification=verification)
    assert proof(report, "compared")[0] is state
    assert report.verify is not None
    assert (report.verify.checked, report.verify.extra) == (mapping.checked, None)
    assert "Verified against the target" in report_page(report)


def test_times_and_the_audit_are_told() -> None:
    report = told()
    assert [(one.mapping, one.seconds) for one in report.times] == [("patients", 240.0)]
    assert [(one.actor, one.action) for one in report.audit] == [("ops.lead", "run.start")]
    page = report_page(report)
    assert "Time by mapping" in page
    assert "run.start" in page
    assert "<script" not in page


def test_the_screen_has_the_evidence_and_the_money() -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(report_view(told(ProvenSum(column="amount", state=SumState.AGREES), plan=PLAN)))
    text = console.export_text()
    for words in ("1 column agrees to the cent", "How we know", "p.notes IS NOT NULL", "Time by mapping"):
        assert words in text
