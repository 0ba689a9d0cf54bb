"""Bounding the C library's arenas."""

from __future__ import annotations

import subprocess
import sys


def test_the_c_library_takes_the_bounds_or_says_that_it_has_none() -> None:
    # In a process of its own: the bounds stay for a process's life.
    program = (
        "import ctypes, sys; from shared.runtime.memory import bound_arenas; "
        "sys.exit(bound_arenas() != hasattr(ctypes.CDLL(None), 'mallopt'))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
