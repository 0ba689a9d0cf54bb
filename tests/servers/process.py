"""One server process of ours: in its own session, found again and ended if an earlier test run was killed."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import IO
from urllib.parse import urlsplit

from tests.servers.errors import ServersMissingError
from tests.servers.probes import Probe

START_SECONDS = 90
STOP_SECONDS = 20
POLL_SECONDS = 0.1
PROGRESS_EVERY_SECONDS = 2


class OwnProcess:
    """Runs in `folder`, which it empties at its start; the process id lies beside it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._pid_file = folder.with_suffix(".pid")
        self._process: asyncio.subprocess.Process | None = None
        self._log: IO[bytes] | None = None

    async def clear(self) -> None:
        """An empty folder; what an earlier run left running in it is killed."""
        if self._pid_file.exists():
            pid = int(self._pid_file.read_text(encoding="ascii") or 0)
            if pid and _runs_in(pid, self.folder):
                os.killpg(pid, SIGKILL)
            self._pid_file.unlink()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    async def start(self, *command: str | Path, environ: Mapping[str, str]) -> None:
        self._log = (self.folder / "output.log").open("ab")
        self._process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._pid_file.write_text(str(self._process.pid), encoding="ascii")

    async def until_it_accepts(self, url: str, probe: Probe) -> None:
        """Wait until the server lets us in; raises ServersMissingError when it ends or takes too long."""
        loop = asyncio.get_running_loop()
        began = told = loop.time()
        while (reason := await accepts(url, probe)) is not None:
            now = loop.time()
            if self._process is None or self._process.returncode is not None:
                text = f"{self.name} ended at its start; its words are in {self.folder}"
                raise ServersMissingError(text)
            if now - began > START_SECONDS:
                text = f"{self.name} did not let us in within {START_SECONDS} s: {reason}; its log is in {self.folder}"
                raise ServersMissingError(text)
            if now - told > PROGRESS_EVERY_SECONDS:
                told = now
                print(f"servers: {self.name} is starting … {now - began:.0f} s", flush=True)
            await asyncio.sleep(POLL_SECONDS)

    async def kill(self) -> None:
        """`kill -9` for it and its session; what it wrote stays in the folder."""
        assert self._process is not None
        assert self._log is not None
        _signal(self._process.pid, SIGKILL)
        await self._process.wait()
        self._log.close()

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            _signal(self._process.pid, SIGTERM)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                _signal(self._process.pid, SIGKILL)
                await self._process.wait()
        if self._process is not None:
            _signal(self._process.pid, SIGKILL)  # whatever of its session is left
        if self._log is not None:
            self._log.close()
        self._pid_file.unlink(missing_ok=True)


async def accepts(url: str, probe: Probe) -> str | None:
    """The probe's answer once something listens: drivers log each refused connection."""
    parts = urlsplit(url)
    try:
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except OSError:
        return "nothing listens"
    writer.close()
    await writer.wait_closed()
    return await probe(url)


def _signal(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _runs_in(pid: int, folder: Path) -> bool:
    """Whether the process works in our folder: a number alone may belong to anything by now."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        return False
