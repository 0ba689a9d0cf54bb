"""PostgreSQL without an installation: programs from a Python package, driven by our own `initdb` and `pg_ctl`."""

import asyncio
import enum
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn, Self
from urllib.parse import quote

from shared.core.errors import EmbeddedPostgresFailed
from transfuse.embedded.binaries import Binaries, binaries_for, shipped_binaries
from transfuse.embedded.identity import server_identity
from transfuse.embedded.places import reachable_folder
from transfuse.embedded.postgres_files import PostgresFiles, write_private
from transfuse.embedded.programs import run_program

SUPERUSER = "postgres"
INITDB_SECONDS = 120
START_SECONDS = 60
STOP_SECONDS = 60
ROOM_BYTES = 256 * 2**20
PORT_ATTEMPTS = 3
BUILTIN_LOCALE_MAJOR = 17


class StopMode(enum.Enum):
    FAST = "fast"
    IMMEDIATE = "immediate"


class EmbeddedPostgres:
    """One server on loopback, its data in `folder`, with a generated password that is kept beside the data.

    `async with` starts it and stops it; both `start` and `stop` may be repeated. A server that outlived its process
    is stopped before ours starts. As root it runs as an existing user without privileges, and where that user cannot
    reach `folder` its content lies under /var/tmp, with a link in its place. `port` None takes a free one; `settings`
    go over our own; `binaries` None are those of the installed package. Raises EmbeddedPostgresFailed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        binaries: Binaries | None = None,
    ) -> None:
        self._folder = folder.absolute()
        self._wanted_port = port
        self._settings = dict(settings or {})
        self._given_binaries = binaries
        self._binaries: Binaries | None = None
        self._files: PostgresFiles | None = None
        self._lock: IO[str] | None = None
        self._password = ""
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int | None:
        """Process id of the server, None when it does not run."""
        return self._files.running_pid() if self._files else None

    @property
    def home(self) -> Path:
        """Where the data really lies: the folder, or what stands for it."""
        return self._ready().home

    def url(self, database: str = "postgres") -> str:
        """URL of a database for the superuser, password included: never to be logged."""
        return f"postgresql://{SUPERUSER}:{quote(self._password)}@127.0.0.1:{self._port}/{quote(database)}"

    async def start(self) -> None:
        if self._lock is None:
            self._files, self._binaries = await asyncio.to_thread(self._prepare)
            self._lock = self._ready().lock()
        try:
            await self._start_locked(self._ready())
        except BaseException:
            await self.stop(StopMode.IMMEDIATE)
            raise

    async def stop(self, mode: StopMode = StopMode.FAST) -> None:
        """Stop the server and wait for its end; a stop that takes over a minute is made an immediate one."""
        if self._lock is None:
            return
        try:
            await self._stop_server(self._ready(), mode)
        finally:
            self._release()

    def _prepare(self) -> tuple[PostgresFiles, Binaries]:
        identity = server_identity(self._folder)
        home = reachable_folder(self._folder, identity)
        given = self._given_binaries or shipped_binaries()
        return PostgresFiles(home=home, identity=identity), binaries_for(identity, given, home)

    def _ready(self) -> PostgresFiles:
        if self._files is None:
            text = "the embedded PostgreSQL was not started"
            raise EmbeddedPostgresFailed(text, remedy="Call start() first.")
        return self._files

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _start_locked(self, files: PostgresFiles) -> None:
        binaries = self._programs()
        self._password = files.password()
        if not files.data.exists():
            await self._make_data(files, binaries)
        _check_version(files, binaries)
        await self._stop_server(files, StopMode.FAST)
        for attempt in range(1, PORT_ATTEMPTS + 1):
            self._port = self._wanted_port or free_port()
            files.write_settings(self._port, self._settings)
            if await self._pg_ctl(files, "start", "-l", str(files.log), "-t", str(START_SECONDS)) == 0:
                return
            reason = files.why_the_start_failed()
            if reason != "port" or self._wanted_port or attempt == PORT_ATTEMPTS:
                _fail(files, reason, self._port)

    def _programs(self) -> Binaries:
        if self._binaries is None:
            text = "the embedded PostgreSQL was not started"
            raise EmbeddedPostgresFailed(text, remedy="Call start() first.")
        return self._binaries

    async def _make_data(self, files: PostgresFiles, binaries: Binaries) -> None:
        if shutil.disk_usage(files.home).free < ROOM_BYTES:
            _fail(files, "disk", 0)
        made = files.fresh_data()
        secret = files.home / "password.new"
        secret.unlink(missing_ok=True)
        write_private(secret, self._password)
        files.identity.own(secret)
        try:
            code = await run_program(
                binaries.folder / "initdb",
                f"--pgdata={made}",
                f"--username={SUPERUSER}",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-instructions",
                *_locale_arguments(binaries.major),
                identity=files.identity,
                timeout_seconds=INITDB_SECONDS,
            )
        finally:
            secret.unlink()
        if code:
            _fail(files, "disk" if shutil.disk_usage(files.home).free < ROOM_BYTES else "initdb", 0)
        files.adopt_data(made)

    async def _stop_server(self, files: PostgresFiles, mode: StopMode) -> None:
        """Stop what runs on this data: ours, or one whose process was killed; a stale pid file is removed."""
        if files.running_pid() is None:
            files.pid_file.unlink(missing_ok=True)
            return
        if await self._pg_ctl(files, "stop", "-m", mode.value, "-t", str(STOP_SECONDS)) == 0:
            return
        await self._pg_ctl(files, "stop", "-m", StopMode.IMMEDIATE.value, "-t", str(STOP_SECONDS))
        if files.running_pid() is not None:
            text = f"PostgreSQL in {files.home} does not stop"
            raise EmbeddedPostgresFailed(text, remedy=f"Look at {files.log} and end the process by hand.")

    async def _pg_ctl(self, files: PostgresFiles, verb: str, *arguments: str) -> int:
        if verb == "start":
            files.begin_log()
        return await run_program(
            self._programs().folder / "pg_ctl",
            verb,
            "-w",
            "-s",
            "-D",
            str(files.data),
            *arguments,
            identity=files.identity,
            timeout_seconds=max(START_SECONDS, STOP_SECONDS) + 10,
        )


def free_port() -> int:
    """A port of loopback that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _locale_arguments(major: int) -> list[str]:
    """Code-point order on every machine; upper() and lower() know letters beyond ASCII where that can be had."""
    if major >= BUILTIN_LOCALE_MAJOR:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C"]


def _check_version(files: PostgresFiles, binaries: Binaries) -> None:
    found = (files.data / "PG_VERSION").read_text(encoding="ascii").strip()
    if found != str(binaries.major):
        text = f"the data in {files.home} belongs to PostgreSQL {found}, the programs are version {binaries.major}"
        raise EmbeddedPostgresFailed(text, remedy=f"Remove {files.home} to start anew, or use PostgreSQL {found}.")


def _fail(files: PostgresFiles, reason: str, port: int) -> NoReturn:
    texts = {
        "port": (f"port {port} is taken", "Stop what listens there, or choose another port."),
        "disk": (f"the disk of {files.home} is full", f"Make at least {ROOM_BYTES >> 20} MiB of room."),
        "memory": ("the memory for PostgreSQL is not there", "Give the machine more memory, or close other programs."),
        "initdb": (f"initdb failed in {files.home}", "Check the folder's permissions and the room on its disk."),
        "version": (f"the data in {files.home} is of another version", f"Remove {files.home} and start anew."),
        "unknown": (f"PostgreSQL did not start in {files.home}", f"Its reasons are in {files.log}."),
    }
    text, remedy = texts[reason]
    raise EmbeddedPostgresFailed(text, remedy=remedy)
