"""The report: what it claims, how it says that something was not checked, and that its page is safe to open."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from services.gateway.chain_watch import Looked
from services.gateway.documents.report import ProofState, ReportDocument, ReportFormat, ReportQuery
from services.gateway.reports.page import report_page
from services.gateway.reports.report import run_report
from services.gateway.resources.report import wanted
from shared.core.counts import Counts
from shared.core.states import Brought, MappingState, RunState, Stage
from shared.ledger.audit_chain import Fault, Verification
from shared.ledger.provenance import Asked, Provenance
from shared.ledger.snapshots import (
    BatchCounts,
    BroughtInCount,
    Notice,
    Phase,
    QuarantineCount,
    RunSnapshot,
    WarningCount,
)
from tests.harness.snapshots import READ, STARTED, after, mapping_snapshot, run_snapshot

NASTY = "<script>alert(1)</script>\"'&<img src=x onerror=y>"
WHOLE = Looked(verification=Verification(count=9, head=(9, "ab")), checked_at=READ)
BROKEN = Looked(
    verification=Verification(count=4, head=(4, "ab"), fault=next(iter(Fault)), broken_at=5), checked_at=READ
)
PROVENANCE = Provenance(
    transfuse_version="0.1.0",
    duckdb_version="1.4",
    plan_hash="9c41",
    snapshot_at=STARTED,
    preflight_at=STARTED,
    asked=(Asked(at=after(3), actor="ops.lead", verb="pause"),),
)


def completed(**fields: Any) -> RunSnapshot:  # noqa: ANN401 - fields of any type
    mapping = mapping_snapshot(
        fields.pop("name", "patients"),
        state=MappingState.COMPLETE,
        driving_rows=1010,
        counts=Counts(read=1000, loaded=900, merged=7, filtered=90, quarantined=3),
        batches=BatchCounts(settled=10),
        **fields.pop("mapping", {}),
    )
    phases = (
        Phase(state=RunState.RUNNING, started_at=STARTED, ended_at=after(10)),
        Phase(state=RunState.COMPLETED, started_at=after(12)),
    )
    return run_snapshot(mapping, **{"state": RunState.COMPLETED, "finished_at": after(12), "phases": phases, **fields})


def report(snapshot: RunSnapshot, chain: Looked | None = WHOLE) -> ReportDocument:
    return run_report(snapshot, PROVENANCE, chain, written_at=READ)


def proofs(found: ReportDocument) -> dict[str, ProofState]:
    return {proof.code: proof.state for proof in found.evidence}


def test_a_balanced_run_is_told_in_one_sentence() -> None:
    assert report(completed()).sentence == (
        "1,000 rows were in the legacy snapshot and every one is accounted for: 900 loaded, 7 merged with another "
        "record, 90 left out by rules of the plan; 3 rows wait in quarantine. None is unaccounted. The plan's joins "
        "left out 10 rows of driving tables before."
    )


def test_what_was_not_checked_is_said_and_never_looks_like_a_pass() -> None:
    found = proofs(report(completed(), chain=None))
    assert found["compared"] is ProofState.NOT_CHECKED
    assert found["audit"] is ProofState.NOT_CHECKED
    assert found["counted_before"] is found["counted_while_writing"] is ProofState.HOLDS


@pytest.mark.parametrize(
    ("snapshot", "code"),
    (
        (completed(mapping={"from_rows": 1003}), "counted_before"),
        (completed(mapping={"from_rows": 1003}), "counted_while_writing"),
        (completed(snapshot_count=2), "snapshot"),
        (completed(notices=(Notice(code="row_security_off", table="public.patients"),)), "target_in_order"),
    ),
)
def test_a_check_that_fails_is_told_as_failed(snapshot: RunSnapshot, code: str) -> None:
    assert proofs(report(snapshot))[code] is ProofState.FAILED


def test_a_broken_audit_is_told() -> None:
    assert proofs(report(completed(), chain=BROKEN))["audit"] is ProofState.FAILED


def test_a_run_that_does_not_balance_says_so_instead() -> None:
    found = report(completed(mapping={"from_rows": 1003}))
    assert found.sentence.startswith("3 rows are unaccounted. The run is not complete.")
    assert 'class="say alarm"' in report_page(found)


def test_while_a_run_moves_nothing_has_failed_yet() -> None:
    assert ProofState.FAILED not in proofs(report(run_snapshot())).values()


def test_of_a_cancelled_run_nothing_failed_but_what_is_unaccounted() -> None:
    cancelled = completed(state=RunState.CANCELLED, batches=BatchCounts(settled=9, dispatched=2))
    assert ProofState.FAILED not in proofs(report(cancelled)).values()
    lost = completed(state=RunState.CANCELLED, mapping={"from_rows": 1003})
    assert proofs(report(lost))["counted_before"] is ProofState.FAILED


class Seen(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_and_runs_nothing_whatever_things_are_called() -> None:
    snapshot = completed(
        name=NASTY,
        migration=NASTY,
        plan_name=NASTY,
        actor=NASTY,
        quarantine=(QuarantineCount(mapping=NASTY, stage=Stage.LOAD, code=NASTY, column=NASTY, row_count=3),),
        warnings=(WarningCount(mapping=NASTY, code=NASTY, column=NASTY, row_count=3),),
        notices=(Notice(code=NASTY, table=NASTY, message=NASTY),),
    )
    page = report_page(report(snapshot))
    seen = Seen(page)
    assert not seen.names & {"script", "img", "link", "iframe", "object", "a", "form"}
    assert not {name for name in seen.attributes if name.startswith("on") or name in {"src", "href", "style"}}
    assert seen.text.count(NASTY) >= 10
    assert not re.search(r"url\(|@import|https?:", page)


def test_the_page_has_the_balance_the_evidence_and_room_for_two_signatures() -> None:
    text = Seen(report_page(report(completed()))).text
    for words in (
        "Balance by mapping",
        "How we know",
        "not checked",
        "Who did what",
        "Compliance officer, date",
        "9c41",
    ):
        assert words in text


def test_a_reason_of_the_quarantine_is_told_in_words_beside_its_code() -> None:
    found = QuarantineCount(mapping="patients", stage=Stage.TRANSFORM, code="unknown_code", column="sex", row_count=3)
    page = report_page(report(completed(quarantine=(found,))))
    text = Seen(page).text
    assert "Unknown code" in text
    assert "unknown_code" in text
    assert "<td>1 mapping</td>" in page


def test_a_part_that_is_not_0_is_seen() -> None:
    page = report_page(report(completed()))
    assert min(float(width) for width in re.findall(r'width="([0-9.]+)"', page)) >= 3


def test_a_run_that_never_got_to_its_mappings_has_a_report_too() -> None:
    empty = run_snapshot(mapping_snapshot(), state=RunState.FAILED, message="It is so.", remedy="Do this.")
    found = report_page(report(empty))
    assert "It is so." in Seen(found).text


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    (
        (ReportQuery(), "", ReportFormat.JSON),
        (ReportQuery(), "*/*", ReportFormat.JSON),
        (ReportQuery(), "text/html,application/xhtml+xml,*/*;q=0.8", ReportFormat.HTML),
        (ReportQuery(), "application/json, text/html", ReportFormat.JSON),
        (ReportQuery(format=ReportFormat.HTML), "application/json", ReportFormat.HTML),
        (ReportQuery(format=ReportFormat.JSON), "text/html", ReportFormat.JSON),
    ),
)
def test_the_query_decides_before_the_header(query: ReportQuery, accept: str, expected: ReportFormat) -> None:
    assert wanted(query, accept) is expected


def test_the_report_lists_what_is_not_from_the_source() -> None:
    found = BroughtInCount(mapping="patients", kind=Brought.DEFAULT, column="shade", row_count=1900)
    written = report(completed(brought_in=(found,)))
    assert [(one.kind, one.column, one.rows) for one in written.brought_in] == [(Brought.DEFAULT, "shade", 1900)]
    text = Seen(report_page(written)).text
    assert "Not from the source" in text
    assert "default of the target, nothing fills the column" in text
    assert "1,900" in text
