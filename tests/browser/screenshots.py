"""`python -m tests.browser.screenshots`: pictures of every page into `.transfuse/screenshots`, in light and dark."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.browser.pages import look
from tests.browser.programs import ProgramMissingError
from tests.browser.stack import stack
from tests.harness.installation import ROOT

PICTURES = ROOT / ".transfuse" / "screenshots"


async def draw(folder: Path) -> int:
    """Start a stack below the folder and look at every page of it."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    async with stack(folder) as running:
        seen = await look(running, folder, files="**/*.shots.ts", TRANSFUSE_SCREENSHOTS=str(PICTURES))
    if seen.code:
        sys.stderr.write(f"{seen.text}\n")
    else:
        sys.stdout.write(f"{len(list(PICTURES.glob('*.png')))} pictures are in {PICTURES.relative_to(ROOT)}\n")
    return seen.code


def main() -> int:
    """Draw, in a folder that PostgreSQL's user can enter."""
    with tempfile.TemporaryDirectory(prefix="transfuse-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            return asyncio.run(draw(folder))
        except ProgramMissingError as missing:
            sys.stderr.write(f"{missing}\n")
            return 2


if __name__ == "__main__":
    sys.exit(main())
