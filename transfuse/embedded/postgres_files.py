"""The files of one embedded server: what lies where, who may read it, and what its log says about a failed start."""

import fcntl
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import msgspec

from shared.core.errors import EmbeddedPostgresFailed
from transfuse.embedded.identity import Identity

IN_USE = "embedded_in_use"
"""Code of the error when another process holds the folder's lock."""

PASSWORD = "password"  # noqa: S105 - the name of a file
"""The superuser's password, beside the data."""

SETTINGS = {
    "autovacuum_naptime": "15s",
    "checkpoint_timeout": "15min",
    "fsync": "on",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_min_messages": "log",  # errors of statements quote values; LOG, FATAL and PANIC speak of the server
    "log_timezone": "UTC",
    "maintenance_work_mem": "128MB",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "password_encryption": "scram-sha-256",
    "random_page_cost": "1.1",
    "shared_buffers": "256MB",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "unix_socket_directories": "",
    "wal_level": "minimal",
}


class PostgresFiles(msgspec.Struct, frozen=True, kw_only=True):
    """`home` with `data`, `password`, `server.log` and `lock`."""

    home: Path
    identity: Identity

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def lock(self) -> IO[str]:
        """The lock of this folder, held while the file is open; raises EmbeddedPostgresFailed if another holds it."""
        file = (self.home / "lock").open("a", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            text = f"another process uses the database in {self.home}"
            remedy = "Wait for it to end, or choose another folder."
            raise EmbeddedPostgresFailed(text, remedy=remedy, code=IN_USE) from error
        return file

    def password(self) -> str:
        """The superuser's password, made at the first call and kept beside the data, readable by its owner only."""
        path = self.home / PASSWORD
        try:
            return path.read_text(encoding="ascii")
        except FileNotFoundError as error:
            if self.data.exists():
                text = f"the file {path} is missing, and the data beside it opens with no other password"
                raise EmbeddedPostgresFailed(
                    text, remedy=f"Restore it, or remove {self.home} and start anew."
                ) from error
        password = secrets.token_urlsafe(24)
        write_private(path, password)
        return password

    def fresh_data(self) -> Path:
        """An empty folder for initdb, taken into use by `adopt_data` when it is complete."""
        path = self.home / "data.new"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        self.identity.own(path)
        return path

    def adopt_data(self, made: Path) -> None:
        with (made / "postgresql.conf").open("a", encoding="ascii") as file:
            file.write("\ninclude 'transfuse.conf'\n")
        made.rename(self.data)

    def write_settings(self, port: int, changes: Mapping[str, str]) -> None:
        """Write every setting again, so that the next start sees this version's."""
        chosen = SETTINGS | {"port": str(port)} | dict(changes)
        for name in chosen:
            if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", name):
                text = "a setting's name is not one of PostgreSQL"
                raise EmbeddedPostgresFailed(text, remedy="Use lower-case letters and underscores.")
        lines = [f"{name} = '{quoted}'\n" for name, quoted in sorted(_quoted(chosen).items())]
        path = self.data / "transfuse.conf"
        path.unlink(missing_ok=True)
        write_private(path, "".join(lines))
        self.identity.own(path)

    def begin_log(self) -> None:
        """An empty log for this start; the one before it is kept as `server.log.before`."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.before"))
        write_private(self.log, "")
        self.identity.own(self.log)

    def why_the_start_failed(self) -> str:
        """One word for the reason that the log gives: port, disk, memory, version or unknown."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        reasons = {
            "port": r"Address already in use|could not create any TCP/IP sockets",
            "disk": r"No space left on device|Disk quota exceeded",
            "memory": r"could not map anonymous shared memory|Cannot allocate memory|could not resize shared memory",
            "version": r"database files are incompatible",
        }
        return next((word for word, pattern in reasons.items() if re.search(pattern, text)), "unknown")

    def running_pid(self) -> int | None:
        """Process id of a server that runs on this data; None also if the number belongs to another program by now."""
        try:
            pid = int(self.pid_file.read_text(encoding="ascii").split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self.data) in _command_line(pid) else None


def write_private(path: Path, text: str) -> None:
    """Make a file that only its owner can read, from its first byte on; raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _quoted(settings: Mapping[str, str]) -> dict[str, str]:
    return {name: value.replace("\\", "\\\\").replace("'", "''") for name, value in settings.items()}


def _command_line(pid: int) -> bytes:
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""
    asked = subprocess.run(["/bin/ps", "-o", "args=", "-p", str(pid)], capture_output=True, check=False)
    return asked.stdout
