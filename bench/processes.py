"""CPU seconds and memory of processes, as Linux counts them."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path

from tests.harness.services import children

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int, *, with_ended_children: bool = False) -> float:
    """CPU time of a process so far; 0 for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    last = 15 if with_ended_children else 13
    return sum(int(ticks) for ticks in fields[11:last]) / TICKS


def peak_mib(pid: int) -> float:
    """The most memory that a process has held resident, MiB; 0 for one that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def server_seconds(program: str) -> float | None:
    """CPU time of all processes of a server that runs here, those that have ended included; None if there is none."""
    parents = [pid for pid in _named(program) if _parent_name(pid) != program]
    if not parents:
        return None
    return sum(
        cpu_seconds(parent, with_ended_children=True) + sum(cpu_seconds(child) for child in children(parent))
        for parent in parents
    )


def machine() -> str:
    """Processor, cores, memory, system and Python of this machine."""
    model = "unknown processor"
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, {system}"


def _named(program: str) -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _name(int(folder.name)) == program]


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return ""


def _parent_name(pid: int) -> str:
    with suppress(OSError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return _name(int(fields[1]))
    return ""
