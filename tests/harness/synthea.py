"""The Synthea sample as a legacy database, its target, and its plan."""

from __future__ import annotations

from tests.harness.databases import PREFIX, allow_reading, filled
from tests.harness.installation import ROOT
from tests.harness.portal import source_tables
from transfuse.samples.synthea import load as sample

PLAN = ROOT / "plans" / "synthea"
LEGACY = f"{PREFIX}synthea"
TARGET = f"{PREFIX}synthea_target"


async def synthea(server: str) -> str:
    """The reader's URL of the 18 tables."""

    async def fill(url: str) -> None:
        await sample.load(url)

    return await allow_reading(await filled(server, LEGACY, fill), *source_tables(PLAN))


async def synthea_target(server: str) -> str:
    """Name of a database with the empty target, to be copied."""
    await filled(server, TARGET, sample.create_target)
    return TARGET
