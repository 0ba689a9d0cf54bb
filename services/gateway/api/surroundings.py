"""What handlers have around them: the ledger's ports, Redis, the settings. One field per port, opened in `app.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from services.gateway.api.limits.requests import RequestLimits
from services.gateway.chain_watch import ChainWatch
from services.gateway.inspection import Inspections
from services.gateway.settings import GatewaySettings
from services.gateway.statuses import Statuses
from services.gateway.unmasking import Unmasking
from shared.bus.port import Bus
from shared.identity.deny_list import DenyList
from shared.identity.identity import TokenVerifier
from shared.identity.sign_ins import SignIns
from shared.ledger.accounts import Accounts
from shared.ledger.audit import Audit
from shared.ledger.events import RunEvents
from shared.ledger.figures import Figures
from shared.ledger.history import History
from shared.ledger.idempotency import Idempotency
from shared.ledger.outcomes import Outcomes
from shared.ledger.plans import Plans
from shared.ledger.preflights import Preflights
from shared.ledger.progress import Progress
from shared.ledger.provenance import Provenances
from shared.ledger.quarantine import Quarantine
from shared.ledger.register import Register
from shared.ledger.runs import Runs
from shared.ledger.throughput import Throughputs
from shared.postgres.pools import Pool
from shared.redis.connection import RedisLink
from shared.status.board import HealthBoard


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a handler may use."""

    settings: GatewaySettings
    ledger: Pool
    audit: Audit
    chain_watch: ChainWatch
    quarantine: Quarantine
    unmasking: Unmasking
    register: Register
    idempotency: Idempotency
    redis: RedisLink
    limits: RequestLimits
    runs: Runs
    plans: Plans
    inspections: Inspections
    preflights: Preflights
    progress: Progress
    statuses: Statuses
    history: History
    outcomes: Outcomes
    events: RunEvents
    throughputs: Throughputs
    provenances: Provenances
    figures: Figures
    board: HealthBoard
    bus: Bus
    started_at: datetime
    verifier: TokenVerifier
    deny_list: DenyList
    accounts: Accounts
    sign_ins: SignIns | None
    clock: Callable[[], datetime] = now
