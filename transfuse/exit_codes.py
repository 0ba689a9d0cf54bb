"""Exit codes of the command line, the same for every command."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script can rely on."""

    OK = 0
    """Balanced, nothing to look at."""
    WARNINGS = 1
    """Balanced, with something to look at: quarantine, defaults, more than one snapshot."""
    FAILED = 2
    """Failed, different or refused."""
    UNVERIFIED = 3
    """Could not verify."""
    USAGE = 64
    """Wrong use of the command."""
    INTERRUPTED = 130
    """Interrupted; can be resumed."""
