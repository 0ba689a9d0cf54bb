"""`python -m tests.servers COMMAND…`: run a command with real servers, stop those of ours at its end."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from shared.core.errors import TransfuseError
from tests.servers.discovery import servers
from tests.servers.errors import ServersMissingError

FOLDER = Path(__file__).resolve().parents[2] / ".transfuse" / "services"
PATIENCE_SECONDS = 15


class Interruption:
    """The signal that ended us: at a terminal the command gets an interrupt itself, any other is passed on."""

    def __init__(self) -> None:
        self.number: int | None = None

    def watch(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._arrived, number, task)

    def _arrived(self, number: int, task: asyncio.Task[int]) -> None:
        if self.number is None:
            self.number = number
            task.cancel()


async def with_servers(command: list[str], interruption: Interruption) -> int:
    interruption.watch()
    async with servers(FOLDER) as variables:
        process = await asyncio.create_subprocess_exec(*command, env=os.environ | variables)
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                await end(process, at_once=interruption.number != signal.SIGINT)


async def end(process: asyncio.subprocess.Process, *, at_once: bool) -> None:
    if at_once:
        process.terminate()
    for harsher in (process.terminate, process.kill):
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await process.wait()
        except TimeoutError:
            harsher()
    await process.wait()


def main(command: list[str]) -> int:
    if not command:
        print("usage: python -m tests.servers COMMAND…", file=sys.stderr)
        return 64
    interruption = Interruption()
    try:
        code = asyncio.run(with_servers(command, interruption))
    except ServersMissingError as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    except TransfuseError as error:
        print(f"\n{error}. {error.remedy}", file=sys.stderr)
        return 2
    except asyncio.CancelledError:
        return 128 + (interruption.number or signal.SIGINT)
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
