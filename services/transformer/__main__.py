"""`python -m services.transformer`."""

from __future__ import annotations

import os

# One thread for polars: more work is done by more processes. Read when it is imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

from services.transformer.app import build  # noqa: E402 - after the variable
from services.transformer.settings import TransformerSettings  # noqa: E402 - the same
from shared.runtime.process import run_process  # noqa: E402 - the same

if __name__ == "__main__":
    raise SystemExit(run_process("transformer", TransformerSettings, build))
