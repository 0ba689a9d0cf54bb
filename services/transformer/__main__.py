"""`python -m services.transformer`."""

from __future__ import annotations

import os

# One thread for polars: more work is done by more processes. Read when it is imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")
# The C library's own allocator, which gives memory back between batches.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

from services.transformer.app import build
from services.transformer.settings import TransformerSettings
from shared.runtime.process import run_process

if __name__ == "__main__":
    raise SystemExit(run_process("transformer", TransformerSettings, build))
