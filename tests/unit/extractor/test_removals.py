"""Which removals a merge plans, and what each waits for."""

from __future__ import annotations

from services.extractor.removals import removals_of
from shared.core.passes import REMOVAL
from shared.ledger.bounds import BatchBounds
from shared.plan.compile import compile_plan
from tests.planning import APP, CLINIC, DESCRIBED, LEGACY, read

BOTH = CLINIC.replace("    key: ", "    gone: remove\n    key: ")


def test_a_removal_waits_for_those_who_refer_to_it_and_finds_its_rows_itself() -> None:
    assert BOTH.count("gone: remove") == 2
    plan = compile_plan(read(BOTH), LEGACY, APP, DESCRIBED, transfuse_version="0.1.0")
    doctors, patients = removals_of(plan.mappings)
    assert (doctors.mapping, doctors.depends_on) == ("doctors", ("patients",))
    assert (patients.mapping, patients.depends_on) == ("patients", ())
    for removal in (doctors, patients):
        assert (removal.pass_number, removal.bounds, removal.cut_complete) == (REMOVAL, (BatchBounds(),), False)
        assert (removal.driving_rows, removal.from_rows) == (0, 0)


def test_a_mapping_that_leaves_what_is_gone_has_no_removal() -> None:
    plan = compile_plan(read(CLINIC), LEGACY, APP, DESCRIBED, transfuse_version="0.1.0")
    assert removals_of(plan.mappings) == []
