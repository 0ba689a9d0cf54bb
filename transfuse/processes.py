"""The five services as processes: started together, a dead one restarted with back-off, stopped upstream first."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from shared.core.errors import Refused
from transfuse.exit_codes import ExitCode
from transfuse.workspace import SERVICES

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
STEADY_SECONDS = 30.0
"""A service that ran this long starts over with the first pause."""

Report = Callable[[str], None]


class ServiceProcess:
    """One service kept alive until it is told to stop."""

    def __init__(self, service: str, environment: Mapping[str, str], report: Report) -> None:
        self.service = service
        self.restarts = 0
        self._environment = dict(environment)
        self._report = report
        self._process: asyncio.subprocess.Process | None = None
        self._stop_asked = asyncio.Event()
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def keep_alive(self) -> None:
        """Start the service, and again whenever it ends by itself, until `stop`; cancelled it leaves no process.

        Raises Refused when the service refuses its settings, which no restart mends.
        """
        pause = FIRST_PAUSE_SECONDS
        while (process := await self._start()) is not None:
            started = time.monotonic()
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            if self._stop_asked.is_set():
                return
            if code == ExitCode.USAGE:
                raise Refused(
                    f"{self.service} refuses its settings, which it names above",
                    remedy="Correct them and run `transfuse init` again.",
                    code="settings_invalid",
                )
            pause = FIRST_PAUSE_SECONDS if time.monotonic() - started > STEADY_SECONDS else pause
            self._report(f"{self.service} ended with {code}; starting it again in {pause:.1f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop_asked.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            self.restarts += 1

    async def stop(self, grace_seconds: float) -> None:
        """Ask it to drain and stop; kill it when it does not within `grace_seconds`."""
        self._stop_asked.set()
        async with self._starting:
            process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), grace_seconds)
        except TimeoutError:
            self._report(f"{self.service} did not stop within {grace_seconds:.0f} s and is killed")
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _start(self) -> asyncio.subprocess.Process | None:
        """A new process, None once it is to stop: a start and a stop at the same time leave nothing running."""
        async with self._starting:
            if self._stop_asked.is_set():
                return None
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", f"services.{self.service}", env=self._environment, start_new_session=True
            )
            return self._process


async def run_services(
    environments: Mapping[str, Mapping[str, str]], report: Report, stop: asyncio.Event, grace_seconds: float = 40.0
) -> None:
    """All five until `stop` is set. Upstream stops first, so that what is in flight drains into the target.

    Raises Refused, in an ExceptionGroup, when a service refuses its settings.
    """
    processes = [ServiceProcess(service, environments[service], report) for service in SERVICES]
    async with asyncio.TaskGroup() as group:
        for process in processes:
            group.create_task(process.keep_alive(), name=f"keep {process.service}")
        await stop.wait()
        for process in processes:
            await process.stop(grace_seconds)
