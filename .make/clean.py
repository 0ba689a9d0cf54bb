"""Remove what the other commands made; a PostgreSQL that still runs on files below `.transfuse` is stopped first."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SCRATCH = CHECKOUT / ".transfuse"
CACHES = (".hypothesis", ".import_linter_cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", "build", "dist")
GRACE_SECONDS = 30


def main() -> int:
    for pid_file in [*SCRATCH.glob("*/data/postmaster.pid"), *SCRATCH.glob("*/*/data/postmaster.pid")]:
        stop_postgres(pid_file)
    for link in [path for path in [*SCRATCH.glob("*"), *SCRATCH.glob("*/*")] if path.is_symlink()]:
        remove_stand_in(link.resolve())
    for name in (".transfuse", ".venv", "dashboard/node_modules", *CACHES):
        shutil.rmtree(CHECKOUT / name, ignore_errors=True)
    for cache in CHECKOUT.rglob("__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)
    return 0


def remove_stand_in(folder: Path) -> None:
    """Remove what the embedded mode put where another user reaches it, and nothing else that a link may point to."""
    if folder.is_dir() and folder.name.startswith("transfuse-") and folder.stat().st_uid == os.geteuid():
        shutil.rmtree(folder, ignore_errors=True)


def stop_postgres(pid_file: Path) -> None:
    """Stop the server that wrote the file, unless the number belongs to something else by now."""
    pid = int(pid_file.read_text(encoding="ascii").split("\n", 1)[0])
    ps = shutil.which("ps")
    if ps is None:
        return
    asked = subprocess.run([ps, "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    if str(pid_file.parent.resolve()) not in asked.stdout:
        return
    os.kill(pid, signal.SIGINT)
    end = time.monotonic() + GRACE_SECONDS
    while pid_file.exists() and time.monotonic() < end:
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
