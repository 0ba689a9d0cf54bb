"""A run on the screen: what a script learns, and names that are shown as they are."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from rich.console import Console, RenderableType

from shared.core.counts import Counts
from shared.core.passes import COMPARISON
from shared.core.states import Brought, LoadMode, MappingState, RunKind, RunState, Stage
from shared.ledger.snapshots import (
    BatchCounts,
    BroughtInCount,
    MappingSnapshot,
    Notice,
    QuarantineCount,
    RunSnapshot,
    WarningCount,
)
from shared.status.document import RunStatus
from shared.status.status import run_status
from transfuse.exit_codes import ExitCode
from transfuse.operator import console as operators_console
from transfuse.screen.figures import duration, grouped
from transfuse.screen.progress_view import progress_view
from transfuse.screen.summary import exit_code, summary

AT = datetime(2026, 1, 2, tzinfo=UTC)
NASTY = "[red]x[/red] [/] :smile: [link=file:///]y"

MAPPING = MappingSnapshot(
    mapping=NASTY,
    pass_number=1,
    state=MappingState.COMPLETE,
    position=0,
    depends_on=(),
    driving_rows=1234,
    from_rows=1234,
    estimated=False,
    counts=Counts(read=1234, loaded=1234),
    batches=BatchCounts(settled=1),
    rows_per_second=617.0,
    started_at=AT,
    settled_at=AT,
    reason="",
    message="",
)
RUN = RunSnapshot(
    run=UUID(int=1),
    migration_id=UUID(int=2),
    migration=NASTY,
    plan_name="clinic",
    plan_hash="",
    kind=RunKind.MIGRATE,
    mode=LoadMode.INSERT,
    state=RunState.COMPLETED,
    seq=1,
    reason="",
    message="",
    remedy="",
    snapshot_count=1,
    mappings=(MAPPING,),
    counts=MAPPING.counts,
    batches=MAPPING.batches,
    row_total=1234,
    rows_per_second=617.0,
    eta_seconds=None,
    warnings=(),
    quarantine=(),
    created_at=AT,
    started_at=AT,
    finished_at=AT,
    moved_at=AT,
    read_at=AT,
)
QUARANTINE = QuarantineCount(mapping=NASTY, stage=Stage.LOAD, code="not_null", column=NASTY, row_count=3)
WARNING = WarningCount(mapping=NASTY, code="kept_aside", column=NASTY, row_count=4)


def changed(**fields: object) -> RunStatus:
    return run_status(msgspec.structs.replace(RUN, **fields))


def text_of(view: RenderableType) -> str:
    file = io.StringIO()
    Console(file=file, width=300, force_terminal=False).print(view)
    return file.getvalue()


@pytest.mark.parametrize(
    ("status", "code"),
    (
        (changed(), ExitCode.OK),
        (changed(quarantine=(QUARANTINE,)), ExitCode.WARNINGS),
        (changed(warnings=(WARNING,)), ExitCode.WARNINGS),
        (changed(snapshot_count=2), ExitCode.WARNINGS),
        (changed(mappings=(msgspec.structs.replace(MAPPING, driving_rows=1235, from_rows=1235),)), ExitCode.FAILED),
        (changed(mappings=(msgspec.structs.replace(MAPPING, from_rows=None),)), ExitCode.FAILED),
        (changed(state=RunState.PAUSED), ExitCode.INTERRUPTED),
        *(
            (changed(state=state), ExitCode.FAILED)
            for state in RunState
            if state not in {RunState.COMPLETED, RunState.PAUSED}
        ),
    ),
)
def test_only_a_completed_run_that_balances_is_0_or_1(status: RunStatus, code: ExitCode) -> None:
    assert exit_code(status) is code


def test_names_are_shown_as_they_are() -> None:
    seen = {"quarantine": (QUARANTINE,), "warnings": (WARNING,), "reason": "x", "message": NASTY, "remedy": NASTY}
    assert text_of(progress_view(changed(**seen, state=RunState.PAUSED))).count(NASTY) == 4
    assert text_of(summary(changed(**seen))).count(NASTY) == 5
    assert text_of(summary(changed(**seen, state=RunState.FAILED))).count(NASTY) == 7


def test_the_operators_console_shows_texts_as_they_are() -> None:
    with operators_console.capture() as captured:
        operators_console.print(NASTY)
    assert captured.get() == f"{NASTY}\n"


def test_the_summary_has_the_balance_the_reasons_and_the_verdict() -> None:
    shown = text_of(summary(changed(quarantine=(QUARANTINE,), finished_at=AT.replace(minute=2, second=3))))
    assert "1,234" in shown
    assert "yes" in shown
    assert "In quarantine, by reason" in shown
    assert "balanced, with something to look at: 1,234 rows in 2 min 03 s\n  Every row is accounted for." in shown
    unbalanced = text_of(summary(changed(mappings=(msgspec.structs.replace(MAPPING, from_rows=1233),))))
    assert " NO" in unbalanced
    assert "✗ completed: 1 row is unaccounted." in unbalanced


def test_a_comparison_of_the_run_with_its_source_is_one_line_or_the_mappings_that_differ() -> None:
    def compared(counts: Counts, name: str = "compared") -> MappingSnapshot:
        return msgspec.structs.replace(MAPPING, mapping=name, pass_number=COMPARISON, counts=counts)

    equal = compared(Counts(read=1234, unchanged=1230, quarantined=4))
    shown = text_of(summary(changed(mappings=(MAPPING, equal))))
    assert "1,234 rows of one mapping: all that was written is as it should be" in shown
    assert "compared" not in shown
    different = compared(Counts(read=1234, unchanged=1233, different=1), "differing")
    shown = text_of(summary(changed(mappings=(MAPPING, equal, different))))
    assert "as it should be" not in shown
    assert "compared" not in shown
    assert "differing, verification" in shown


def test_a_run_that_never_got_to_its_mappings_shows_its_reason_and_no_empty_balance() -> None:
    shown = text_of(summary(changed(mappings=(), state=RunState.FAILED, message="It is so.", remedy="Do this.")))
    assert "Balance" not in shown
    assert "✗ failed: It is so.\n  -> What is settled stays. Do this." in shown


def test_progress_is_never_all_before_the_end() -> None:
    for state, share in ((RunState.FINISHING, "99.9%"), (RunState.COMPLETED, "100.0%")):
        assert f"  {share}  1,234 of 1,234 rows" in text_of(progress_view(changed(state=state)))
    nothing = changed(state=RunState.PENDING, mappings=(), row_total=0, counts=Counts())
    assert "  0.0%  0 of 0 rows" in text_of(progress_view(nothing))


@pytest.mark.parametrize(
    ("seconds", "text"),
    ((None, "-"), (0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (8040, "2 h 14 min")),
)
def test_durations_read_well(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_counts_are_grouped() -> None:
    assert (grouped(1234567), grouped(0), grouped(None)) == ("1,234,567", "0", "-")


def test_what_is_not_from_the_source_is_listed_with_its_rows_and_is_no_reason_to_look() -> None:
    brought = BroughtInCount(mapping="doctors", kind=Brought.INVENTED, column="specialty", row_count=1234)
    turned = WarningCount(mapping="projects", code="placeholder_parent", column="creator_id", row_count=5)
    quiet = changed(brought_in=(brought,))
    assert exit_code(quiet) is ExitCode.OK
    shown = text_of(summary(changed(brought_in=(brought,), warnings=(turned,))))
    assert re.search(r"doctors +specialty +invented by the plan +1,234", shown)
    assert re.search(r"projects +creator_id +the placeholder of a missing parent +5", shown)


def test_what_is_said_of_the_run_as_a_whole_is_shown() -> None:
    notice = Notice(code="retired_column_filled", table="public.profiles.password_hash")
    assert re.search(
        r"retired_column_filled +public.profiles.password_hash", text_of(summary(changed(notices=(notice,))))
    )
