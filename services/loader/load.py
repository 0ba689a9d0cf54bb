"""One batch on its way into the target, how closely an attempt looks at its rows, and what became of it."""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from services.loader.body import OpenedBatch
from services.loader.runs import LoadRun
from services.loader.shadow import Bringing
from services.loader.shape import TargetShape
from services.loader.statements import Statements
from shared.core.counts import Counts
from shared.core.states import LoadMode
from shared.ledger.settling import Claim
from shared.plan.compiled import CompiledMapping


class Path(Enum):
    """How closely an attempt looks at its rows."""

    DIRECT = auto()
    STAGED = auto()
    ISOLATED = auto()


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a load message: the claim, and the counts where this transaction settled the batch."""

    claim: Claim
    counts: Counts | None = None


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """One batch on its way into the target; `bringing` of a dry run, whose mode is that of the run that it tries."""

    run: LoadRun
    mapping: CompiledMapping
    mode: LoadMode
    opened: OpenedBatch
    shape: TargetShape
    statements: Statements
    bringing: Bringing | None = None

    @property
    def known(self) -> TargetShape:
        """The shape of the target's own table, also where a copy of it is written."""
        table = self.run.mapping(self.mapping.name).load.table
        return msgspec.structs.replace(self.shape, table=table)

    @property
    def doing(self) -> str:
        return f"loading batch {self.opened.batch.seq} of {self.mapping.name}"
