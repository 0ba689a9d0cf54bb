"""`python -m services.loader`."""

from __future__ import annotations

from services.loader.app import build
from services.loader.settings import LoaderSettings
from shared.runtime.process import run_process

if __name__ == "__main__":
    raise SystemExit(run_process("loader", LoaderSettings, build))
