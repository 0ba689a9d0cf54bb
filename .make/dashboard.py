"""Build the dashboard into the gateway: `dashboard.py`. Checks use its packages and its way of calling npm.

Packages come from the registry that npm is configured for on this machine, by name, version and hash of the lock.
"""

import filecmp
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from dashboard_sources import CHECKOUT, DASHBOARD, hash_of_sources
from nodejs import environ_of, find_npm

STATIC = CHECKOUT / "services" / "gateway" / "static"
SOURCES = STATIC / "sources.sha256"
LOCK = DASHBOARD / "package-lock.json"
STAMP = DASHBOARD / "node_modules" / ".transfuse-lock"
CHECKS = {
    "dashboard types": ["exec", "--no", "--", "tsc"],
    "dashboard lint": ["exec", "--no", "--", "eslint", ".", "--max-warnings", "0"],
    "dashboard tests": ["test", "--silent"],
}
OUT_OF_REACH = re.compile(
    r"npm (?:error|ERR!) code (E(?:NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH|HOSTUNREACH|PROTO"
    r"|401|403|404|407|429|5\d\d)|ERR_SOCKET_TIMEOUT|(?:UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|CERT_)\w+)"
)
"""What says that the registry is at fault, and not our lock."""


class PackagesNotHadError(Exception):
    """The packages cannot be had on this machine now; the text says why."""


class CannotContinueError(Exception):
    """Something that is wrong with the dashboard or its build; the text says what."""


def main() -> int:
    try:
        build()
    except (PackagesNotHadError, CannotContinueError) as error:
        print(f"\ndashboard: {error}", file=sys.stderr)
        return 2
    return 0


def say(text: str) -> None:
    print(f"dashboard: {text}", flush=True)


def npm_command() -> list[str]:
    found = find_npm()
    if found is None:
        text = "there is no Node 20.19 or newer, and none was installed: remove .venv and run this again."
        raise PackagesNotHadError(text)
    return found


def install() -> None:
    """Install the locked packages, where they are not there yet. Raises PackagesNotHadError, CannotContinueError."""
    npm = npm_command()
    locked = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="ascii") == locked:
        return
    say("installing the locked packages (about 240 MB)")
    done = run(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
    if done.returncode:
        if found := OUT_OF_REACH.search(done.stdout):
            raise PackagesNotHadError(f"npm's registry cannot be reached or lacks a package ({found.group(1)}).")
        words = "\n".join(done.stdout.strip().splitlines()[:30])
        raise CannotContinueError(f"`npm ci` failed:\n{words}")
    STAMP.write_text(locked, encoding="ascii")


def run(npm: list[str], arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*npm, *arguments],
        cwd=DASHBOARD,
        env=environ_of(npm) | {"NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def build() -> None:
    """Build twice, hold the bytes of both against each other, keep the first with the hash of its sources."""
    install()
    npm = npm_command()
    sources = hash_of_sources()
    ordered(npm, ["run", "build"])
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "static"
        ordered(npm, ["exec", "--no", "--", "vite", "build", "--outDir", str(again), "--emptyOutDir"])
        differing = differences(STATIC, again)
    if differing:
        raise CannotContinueError(f"two builds of the same sources differ: {', '.join(differing)}")
    if hash_of_sources() != sources:
        raise CannotContinueError("the sources changed while they were built; build them again.")
    SOURCES.write_text(f"{sources}\n", encoding="ascii")
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    say(f"built twice with the same bytes: {len(files)} files, {size / 1000:,.0f} kB in {STATIC.relative_to(CHECKOUT)}")


def ordered(npm: list[str], arguments: list[str]) -> None:
    done = run(npm, arguments)
    if done.returncode:
        raise CannotContinueError(f"`npm {' '.join(arguments)}` failed:\n{done.stdout}")


def differences(left: Path, right: Path) -> list[str]:
    """Paths that only one of two folders has, or that differ; the hash of the sources is none of the build's."""
    names = {path.relative_to(root).as_posix() for root in (left, right) for path in root.rglob("*") if path.is_file()}
    return sorted(
        name
        for name in names - {SOURCES.name}
        if not (left / name).is_file()
        or not (right / name).is_file()
        or not filecmp.cmp(left / name, right / name, shallow=False)
    )


def is_integration() -> bool:
    """Whether nobody would read that something was left out."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


if __name__ == "__main__":
    sys.exit(main())
