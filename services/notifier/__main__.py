"""`python -m services.notifier`."""

from __future__ import annotations

from services.notifier.app import build
from services.notifier.settings import NotifierSettings
from shared.runtime.process import run_process

if __name__ == "__main__":
    raise SystemExit(run_process("notifier", NotifierSettings, build))
