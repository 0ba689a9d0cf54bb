"""Run every check that needs no database, two at a time, and show the words of those that failed.

Those of the dashboard need its packages. Where npm's registry is out of reach they are left out, which is said; in
continuous integration (CI=true) that is a failure.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import dashboard

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


def run_npm(arguments: list[str]) -> tuple[int, str, float]:
    began = time.monotonic()
    done = dashboard.run(dashboard.npm_command(), arguments)
    return done.returncode, done.stdout, time.monotonic() - began


def tell(name: str, state: str, seconds: float = 0.0) -> None:
    print(f"check: {name:<15} {state:<8} {seconds:5.1f} s", flush=True)


def dashboard_is_ready() -> tuple[bool, str]:
    """Whether its checks can run, and which failure stands in their place."""
    try:
        dashboard.install()
    except dashboard.CannotContinueError as error:
        tell("dashboard", "FAILED")
        print(error, flush=True)
        return False, "dashboard"
    except dashboard.PackagesNotHadError as error:
        tell("dashboard", "LEFT OUT")
        names = ", ".join(dashboard.CHECKS)
        print(f"{error}\nNot checked: {names}. Run `make check` where npm can fetch packages.", flush=True)
        return False, "dashboard" if dashboard.is_integration() else ""
    return True, ""


def main() -> int:
    ready, failure = dashboard_is_ready()
    failed = [failure] if failure else []
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {pool.submit(run, command): name for name, command in CHECKS.items()}
        if ready:
            running |= {pool.submit(run_npm, arguments): name for name, arguments in dashboard.CHECKS.items()}
        for future in as_completed(running):
            name = running[future]
            code, output, seconds = future.result()
            tell(name, "FAILED" if code else "ok", seconds)
            if code:
                failed.append(name)
                print(output, flush=True)
    if failed:
        print(f"check: failed: {', '.join(sorted(failed))}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
