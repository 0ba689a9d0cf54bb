"""Faults by lot in run after run, on servers of the test's own: every run ends as the undisturbed one.

TRANSFUSE_FAULTS_SECONDS is for how long (60 by itself, 600 in `make faults`); TRANSFUSE_FAULTS_SEED repeats a campaign.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.campaign import Campaign
from tests.harness.rig import rig
from tests.harness.trials import seed_of_session

SECONDS = float(os.environ.get("TRANSFUSE_FAULTS_SECONDS") or 60)
pytestmark = [pytest.mark.faults, pytest.mark.timeout(SECONDS + 600)]


async def test_whatever_happens_a_run_ends_as_if_nothing_had(
    postgres_server: str, open_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = seed_of_session()
    async with rig(postgres_server, open_path, seed) as made:
        campaign = Campaign(made, seed)
        await campaign.go_on(SECONDS)
        record_property("says", campaign.report())
        assert campaign.faults
        assert not [fault for fault in campaign.faults if fault.lost], campaign.report()
        assert made.fleet.tracebacks() == []
