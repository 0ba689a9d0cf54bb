"""Events as a test of one service wants them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from shared.messages import Event, HealthReported


async def of_runs(events: AsyncIterator[Event]) -> AsyncIterator[Event]:
    """The events without the reports of health, which come when they like."""
    async for event in events:
        if not isinstance(event, HealthReported):
            yield event
