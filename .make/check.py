"""Run every check that needs no database, two at a time, and show the words of those that failed."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BIN = CHECKOUT / ".venv" / "bin"
SOURCES = [name for name in ("transfuse", "services", "shared", "tests", "bench") if (CHECKOUT / name).exists()]
CHECKS = {
    "types": ["mypy", *SOURCES],
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "architecture": ["lint-imports"],
    "dependencies": ["deptry", "."],
    "dead code": ["vulture"],
    "spelling": ["codespell"],
}


def run(command: list[str]) -> tuple[int, str, float]:
    began = time.monotonic()
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=CHECKOUT,
        env=os.environ | {"NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, time.monotonic() - began


def main() -> int:
    failed: list[str] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {pool.submit(run, command): name for name, command in CHECKS.items()}
        for future in as_completed(running):
            name = running[future]
            code, output, seconds = future.result()
            print(f"check: {name:<13} {'FAILED' if code else 'ok':<7} {seconds:5.1f} s", flush=True)
            if code:
                failed.append(name)
                print(output, flush=True)
    if failed:
        print(f"check: failed: {', '.join(sorted(failed))}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
