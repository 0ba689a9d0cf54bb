"""The one table of endpoints: what is not here cannot be called."""

from __future__ import annotations

from services.gateway.api.endpoint import Endpoint
from services.gateway.resources import (
    audit,
    configuration,
    control,
    events,
    health,
    metrics,
    migrations,
    plan_lists,
    plans,
    preflight,
    quarantine,
    replay,
    report,
    runs,
    sign_in,
    starting,
    status,
    undoing,
    users,
    validations,
    verification,
)
from services.gateway.resources.documentation import documented

ENDPOINTS: tuple[Endpoint, ...] = documented(
    (
        *migrations.ENDPOINTS,
        *starting.ENDPOINTS,
        *control.ENDPOINTS,
        *plan_lists.ENDPOINTS,
        *plans.ENDPOINTS,
        *preflight.ENDPOINTS,
        *runs.ENDPOINTS,
        *undoing.ENDPOINTS,
        *status.ENDPOINTS,
        *events.ENDPOINTS,
        *report.ENDPOINTS,
        *validations.ENDPOINTS,
        *verification.ENDPOINTS,
        *users.ENDPOINTS,
        *sign_in.ENDPOINTS,
        *audit.ENDPOINTS,
        *quarantine.ENDPOINTS,
        *replay.ENDPOINTS,
        *health.ENDPOINTS,
        *metrics.ENDPOINTS,
        *configuration.ENDPOINTS,
    )
)
