"""What an operator does with runs, wherever they are kept: the port that the commands speak to."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from services.gateway.documents.report import ReportDocument
from services.gateway.documents.verification import VerificationDocument
from shared.core.priority import Priority
from shared.core.run_options import BuiltOn, RunOptions
from shared.core.states import LoadMode, RunKind, RunState
from shared.plan.model import Plan
from shared.status.document import RunStatus
from shared.status.validation import ValidationDocument


class AskedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run to be: of the newest version of a plan, in the migration of that name."""

    plan: Plan
    migration: str
    options: RunOptions = RunOptions()
    priority: Priority = Priority.NORMAL
    mode: LoadMode = LoadMode.INSERT


class ListedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the history. `at` is when it started, or was asked for where it never did.

    Since `undone_at` what it wrote is not there any more.
    """

    id: UUID
    migration: str
    kind: RunKind
    state: RunState
    plan: str
    plan_version: int
    at: datetime
    actor: str
    reason: str
    undone_at: datetime | None = None


class RunControl(Protocol):
    """Runs of one installation. All methods raise Refused with what is wrong, and WorldError for what is away."""

    def working(self) -> AbstractAsyncContextManager[bool]:
        """Have somebody work on the runs while the block lasts; whether it is this process."""
        ...

    async def start(self, asked: AskedRun) -> UUID:
        """Keep the plan, register the migration if it is not there, and start. Raises Refused `already_active`."""
        ...

    async def run_or_latest(self, run: UUID | None) -> UUID:
        """The run that was named, else the youngest one. Raises Refused `unknown_run` where there is none."""
        ...

    async def status(self, run: UUID) -> RunStatus:
        """What there is to say of a run now."""
        ...

    async def validation(self, run: UUID) -> ValidationDocument:
        """What a dry run found. Raises Refused `no_validation` for a run that is none."""
        ...

    async def report(self, run: UUID) -> ReportDocument:
        """What it came to, and how that is known."""
        ...

    async def cancel(self, run: UUID) -> RunState:
        """End it for good; nothing commits after `cancelled`. Idempotent."""
        ...

    async def pause(self, run: UUID) -> RunState:
        """Stop dispatching; batches in flight settle. Idempotent."""
        ...

    async def resume(self, run: UUID, mappings: tuple[str, ...] = ()) -> RunState:
        """Go on with it; of `mappings` that are named, open those alone again. Raises Refused `not_stopped`."""
        ...

    async def verify(self, run: UUID | None, sample: float | None) -> UUID:
        """Start a verify of a run, by default of the youngest that loaded rows. Raises Refused `nothing_to_verify`."""
        ...

    async def verification(self, run: UUID) -> VerificationDocument:
        """What the last verify of a run found; of a verify, what that one did."""
        ...

    async def repair(self, run: UUID, *, with_changed: bool) -> UUID:
        """Start a repair of what the last verify of a run found. Raises Refused `nothing_to_repair`."""
        ...

    async def run_to_undo(self, run: UUID | None) -> UUID:
        """The run that was named, else the youngest that wrote rows. Raises Refused `nothing_to_undo`."""
        ...

    async def undo(self, run: UUID, built_on: BuiltOn) -> UUID:
        """Start an undo of a run; gives the undo. Raises Refused where the run cannot be undone as it stands."""
        ...

    async def list(self, migration: str | None, limit: int) -> tuple[ListedRun, ...]:
        """The history, youngest first, of one migration or of all."""
        ...

    async def follower(self, run: UUID) -> UUID | None:
        """The replay that the end of a run has started by itself, where this process has to see it through."""
        ...

    async def silent(self) -> str:
        """Why nobody may be taking a run, in one sentence with what to do; empty where everybody answers."""
        ...

    def resuming(self, run: UUID) -> str:
        """The command that goes on with a paused run."""
        ...

    def again(self, run: UUID) -> str:
        """What to say to somebody who stopped watching: how it goes on, and how to look again."""
        ...
