"""The dashboard's pages in Chromium, against `transfuse up --embedded`: what is promised stands in `dashboard/e2e`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.pages import look
from tests.browser.programs import ProgramMissingError, chromium, node
from tests.browser.stack import stack


@pytest.mark.e2e
@pytest.mark.timeout(1000)
async def test_people_can_do_on_the_pages_what_they_came_for(open_path: Path, tmp_path: Path) -> None:
    try:
        chromium()
        node()
    except ProgramMissingError as missing:
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            raise
        pytest.skip(str(missing))
    async with stack(open_path) as running:
        seen = await look(running, tmp_path)
    assert seen.code == 0, seen.text
