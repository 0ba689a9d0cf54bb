"""Refusals are told a little later, and never pile up."""

from __future__ import annotations

import asyncio

import pytest

from services.gateway.api.limits.gcra import LocalGcra
from services.gateway.api.limits.holding import Holding
from services.gateway.api.limits.policy import LimitPolicy, Rate
from services.gateway.api.limits.requests import RequestLimits
from services.gateway.api.problems import ApiError

ONCE = Rate(count=1, seconds=3600, burst=1)


async def test_no_more_are_held_than_there_is_room_for() -> None:
    holding = Holding(3600, most=2)
    async with asyncio.TaskGroup() as tasks:
        held = [tasks.create_task(holding.hold()) for _ in range(2)]
        await asyncio.sleep(0)
        await holding.hold()
        assert [task.done() for task in held] == [False, False]
        held[0].cancel()
        await asyncio.wait(held[:1])
        another = tasks.create_task(holding.hold())
        await asyncio.sleep(0)
        assert not another.done()
        for task in (held[1], another):
            task.cancel()


async def test_who_is_admitted_waits_for_nothing_while_others_are_held() -> None:
    limits = RequestLimits(LocalGcra(), LimitPolicy(address=ONCE, hold_seconds=3600))
    await limits.admit("192.0.2.1", None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        refused = tasks.create_task(limits.admit("192.0.2.1", None))
        await asyncio.sleep(0)
        await limits.admit("192.0.2.2", None)
        assert not refused.done()
        refused.cancel()
    at_once = RequestLimits(LocalGcra(), LimitPolicy(address=ONCE, hold_seconds=0))
    await at_once.admit("192.0.2.1", None)
    with pytest.raises(ApiError) as told:
        await at_once.admit("192.0.2.1", None)
    assert told.value.code == "too_many_requests"
