"""Wires the gateway: the ledger's pool, the dispatcher, the dead letters, the API, one service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.gateway.api.application import make_application
from services.gateway.api.limits.gcra import Gcra, LocalGcra
from services.gateway.api.limits.policy import LimitPolicy
from services.gateway.api.limits.requests import RequestLimits
from services.gateway.api.limits.shared import RedisGcra, SteadyGcra
from services.gateway.api.surroundings import Surroundings, now
from services.gateway.chain_watch import ChainWatch
from services.gateway.dashboard import Dashboard
from services.gateway.dashboard_files import built_files
from services.gateway.dead_letters import DeadLetters
from services.gateway.dispatcher import Dispatcher
from services.gateway.health_reports import HealthReports
from services.gateway.inspection import Inspections
from services.gateway.resources.table import ENDPOINTS
from services.gateway.retention import Cleaner
from services.gateway.settings import GatewaySettings
from services.gateway.statuses import Statuses
from services.gateway.unmasking import Unmasking, open_unmasking
from shared.bus.port import Bus
from shared.identity.sign_ins import sign_ins_of
from shared.identity.verifier import Verifier, open_verifier
from shared.ledger.accounts import Accounts
from shared.ledger.audit import Audit
from shared.ledger.dispatch import Dispatch
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
from shared.ledger.retention import Retention
from shared.ledger.runs import Runs
from shared.ledger.throughput import Throughputs
from shared.postgres.pools import Pool, Session, open_pool
from shared.redis.connection import RedisLink, open_redis
from shared.redis.snapshots import KeptSnapshots
from shared.runtime.heartbeat import heartbeat
from shared.runtime.listener import Listener
from shared.runtime.mount import Mount
from shared.runtime.service import Loop, Part, Service
from shared.runtime.world import Probe
from shared.status.board import HealthBoard

LEDGER = Session(statement_seconds=60, command_seconds=90)
REQUESTS = Session(statement_seconds=10, lock_seconds=5, command_seconds=15)
LOOP_CONNECTIONS = 4
REQUEST_CONNECTIONS = 8


@asynccontextmanager
async def build(
    settings: GatewaySettings, bus: Bus, *, policy: LimitPolicy | None = None, mount: Mount | None = None
) -> AsyncIterator[Service]:
    """The service. The API's port also serves the dashboard, and at `mount` whoever takes it."""
    async with (
        open_pool(settings.ledger, "ledger", LEDGER, most=LOOP_CONNECTIONS) as pool,
        open_pool(settings.ledger, "ledger", REQUESTS, most=REQUEST_CONNECTIONS) as requests,
        open_redis(settings.redis) as redis,
        open_verifier(settings, requests, redis) as verifier,
        open_unmasking(settings) as unmasking,
    ):
        probes: dict[str, Probe] = {"ledger": pool.probe, "bus": bus.probe}
        parts: list[Part] = [
            Loop("dispatcher", Dispatcher(Dispatch(pool), bus).run),
            Loop("dead letters", DeadLetters(pool, bus).run),
            heartbeat("gateway", bus, probes=probes | ({"redis": redis.probe} if redis.configured else {})),
        ]
        if settings.api_port is not None:
            api = _surroundings(settings, requests, bus, redis, verifier, policy or LimitPolicy(), unmasking)
            app = make_application(api, ENDPOINTS, dashboard=Dashboard(built_files(), settings), mount=mount)
            parts.append(Loop("retention", Cleaner(Retention(pool)).run))
            parts.append(Loop("health reports", HealthReports(bus, api.board).run))
            parts.append(Loop("audit chain", api.chain_watch.run))
            parts.append(Listener("api", app, host=settings.api_host, port=settings.api_port))
        yield Service(
            "gateway",
            parts,
            probes=probes,
            host=settings.listen_host,
            port=settings.port,
            drain_seconds=settings.drain_seconds,
        )


def _surroundings(
    settings: GatewaySettings,
    pool: Pool,
    bus: Bus,
    redis: RedisLink,
    verifier: Verifier,
    policy: LimitPolicy,
    unmasking: Unmasking,
) -> Surroundings:
    board, progress, register = HealthBoard(), Progress(pool), Register(pool)
    kept = KeptSnapshots(redis, prefix=settings.bus_prefix)
    return Surroundings(
        settings=settings,
        ledger=pool,
        audit=Audit(pool),
        chain_watch=ChainWatch(Audit(pool), now),
        quarantine=Quarantine(pool),
        unmasking=unmasking,
        register=register,
        idempotency=Idempotency(pool),
        redis=redis,
        limits=RequestLimits(_counting(settings, redis), policy),
        runs=Runs(pool),
        plans=Plans(pool),
        inspections=Inspections(),
        preflights=Preflights(pool),
        progress=progress,
        statuses=Statuses(progress, register, kept, board, now),
        history=History(pool),
        outcomes=Outcomes(pool),
        events=RunEvents(pool),
        throughputs=Throughputs(pool),
        provenances=Provenances(pool),
        figures=Figures(pool),
        board=board,
        bus=bus,
        started_at=now(),
        verifier=verifier,
        deny_list=verifier.deny_list,
        accounts=Accounts(pool),
        sign_ins=sign_ins_of(settings, pool, verifier.deny_list),
    )


def _counting(settings: GatewaySettings, redis: RedisLink) -> Gcra:
    """In Redis where there is one, else in this process."""
    return SteadyGcra(RedisGcra(redis, prefix=settings.bus_prefix)) if redis.configured else LocalGcra()
