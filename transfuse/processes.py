"""The five services as processes: started together, a dead one restarted with back-off, stopped upstream first."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

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

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def keep_alive(self) -> None:
        """Start the service, and again whenever it ends by itself; returns after `stop`."""
        pause = FIRST_PAUSE_SECONDS
        while not self._stop_asked.is_set():
            started = time.monotonic()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", f"services.{self.service}", env=self._environment, start_new_session=True
            )
            code = await self._process.wait()
            if self._stop_asked.is_set():
                return
            pause = FIRST_PAUSE_SECONDS if time.monotonic() - started > STEADY_SECONDS else pause
            self._report(f"{self.service} ended with {code}; starting it again in {pause:.1f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop_asked.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            self.restarts += 1

    async def stop(self, grace_seconds: float) -> None:
        """Ask it to drain and stop; kill it when it does not within `grace_seconds`."""
        self._stop_asked.set()
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


async def run_services(
    environments: Mapping[str, Mapping[str, str]], report: Report, stop: asyncio.Event, grace_seconds: float = 40.0
) -> None:
    """All five until `stop` is set. Upstream stops first, so that what is in flight drains into the target."""
    processes = [ServiceProcess(service, environments[service], report) for service in SERVICES]
    async with asyncio.TaskGroup() as group:
        keepers = [group.create_task(process.keep_alive(), name=f"keep {process.service}") for process in processes]
        await stop.wait()
        for process in processes:
            await process.stop(grace_seconds)
        for keeper in keepers:
            keeper.cancel()
