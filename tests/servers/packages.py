"""Programs of the servers: where they are installed, and apt-get for root where they are not."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.servers.errors import ServersMissingError

PACKAGES = {"postgres": "postgresql", "rabbitmq": "rabbitmq-server", "redis": "redis-server"}
RABBITMQ_PLACES = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin", "/usr/local/sbin")


def installed(kind: str) -> Path | None:
    """The program that starts a server of this kind, None if there is none."""
    return {"postgres": _postgres, "rabbitmq": _rabbitmq, "redis": _redis}[kind]()


def install(kinds: list[str]) -> None:
    """Debian's or Ubuntu's packages, if this is root on such a machine; else ServersMissingError with the command."""
    names = [PACKAGES[kind] for kind in kinds]
    command = f"apt-get install {' '.join(names)}"
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        text = (
            f"The tests need {', '.join(names)}: neither a running one lets us in nor is it installed.\n"
            f"Install it ({command}), or name running ones in TRANSFUSE_TEST_POSTGRES, TRANSFUSE_TEST_RABBITMQ and "
            "TRANSFUSE_TEST_REDIS."
        )
        raise ServersMissingError(text)
    print(f"servers: {command} (this may take a minute)", flush=True)
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    arguments = [apt, "install", "--yes", "--quiet", "--no-install-recommends", *names]
    if subprocess.run(arguments, env=environ, check=False).returncode == 0:
        return
    subprocess.run([apt, "update", "--quiet"], env=environ, check=False)
    if subprocess.run(arguments, env=environ, check=False).returncode:
        text = f"`{command}` failed; its own words are above. Install the packages by hand."
        raise ServersMissingError(text)


def _postgres() -> Path | None:
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin/postgres") if path.parents[1].name.isdigit()]
    newest = max(versions, key=lambda path: int(path.parents[1].name), default=None)
    found = newest or _which("postgres")
    return found.resolve() if found else None  # initdb and pg_ctl lie beside the file, not beside a link to it


def _rabbitmq() -> Path | None:
    """The script itself: Debian's wrapper on PATH refuses everyone but root and rabbitmq."""
    places = [Path(place) / "rabbitmq-server" for place in RABBITMQ_PLACES]
    return next((path for path in places if path.exists()), None) or _which("rabbitmq-server")


def _redis() -> Path | None:
    return _which("redis-server")


def epmd() -> Path:
    """Erlang's port mapper, which RabbitMQ needs beside it."""
    bundled = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"), key=lambda path: re.findall(r"\d+", str(path)))
    path = _which("epmd") or (bundled[-1] if bundled else None)
    if path is None:
        text = "RabbitMQ is installed without Erlang's epmd. On Debian or Ubuntu: apt-get install erlang-base"
        raise ServersMissingError(text)
    return path


def _which(name: str) -> Path | None:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None
