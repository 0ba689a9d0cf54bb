"""`python -m services.extractor`."""

from __future__ import annotations

from services.extractor.app import build
from services.extractor.settings import ExtractorSettings
from shared.runtime.process import run_process

if __name__ == "__main__":
    raise SystemExit(run_process("extractor", ExtractorSettings, build))
