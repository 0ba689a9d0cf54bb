"""Every cent of the portal: where the legacy amounts are in the target, and what is not there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from shared.ledger.snapshots import RunSnapshot


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """Where the amounts of one legacy table are: its mapping (and target table), the legacy key, an expression each."""

    mapping: str
    key: str
    amounts: dict[str, str]


MONEY = {
    "dispatch_instruction": Money(mapping="orders", key="legacy_instruction_id", amounts={"price": "amount"}),
    "dispatch_offer": Money(
        mapping="offers",
        key="legacy_offer_id",
        amounts={name: name for name in ("price_both", "price_lower", "price_upper")},
    ),
    "dispatch_payment": Money(
        mapping="payments",
        key="legacy_payment_id",
        amounts={
            "total_price": "amount",
            **{
                name: f"metadata ->> '{name}'"
                for name in (
                    *("additional_price", "custom_price", "paid_price"),
                    *("subtotal_price", "tax_value", "used_credit"),
                )
            },
        },
    ),
    "dispatch_operation": Money(mapping="operations", key="legacy_id", amounts={"price": "amount"}),
    "dispatch_purchase": Money(mapping="purchases", key="legacy_purchase_id", amounts={"custom_price": "unit_price"}),
    "dispatch_ware": Money(
        mapping="payment_items",
        key="legacy_ware_id",
        amounts={
            "discount_value": "discount_amount",
            **{name: name for name in ("base_price", "discount_price", "doctor_price", "global_price", "total_price")},
        },
    ),
}
NOT_MOVED = {"dispatch_order.custom_price"}
"""The shop's own orders stay behind: what was invoiced is in payments."""
OF_DOCTORS = {"dispatch_doctorsetting.credit", "dispatch_doctorsetting.promised_payment"}
"""Terms, which are keyed by their own id and move into the metadata of doctors."""


async def cents_that_differ(
    legacy: asyncpg.Connection, target: asyncpg.Connection, snapshot: RunSnapshot, manifest: dict[str, Any]
) -> list[str]:
    """A line for each amount column whose sum, loaded and left with a row that was not, is not the manifest's."""
    different = []
    for table, money in MONEY.items():
        loaded = await target.fetchval(f"select array_agg({money.key}) from {money.mapping}")  # noqa: S608
        (balance,) = [one for one in snapshot.balances if one.mapping == money.mapping]
        left = await legacy.fetchval(f"select count(*) from {table} where id <> all ($1)", loaded)  # noqa: S608
        if left != balance.counts.quarantined + balance.counts.filtered:
            different.append(f"{table}: {left} rows are not loaded, and not as many are quarantined or filtered")
        for column, place in money.amounts.items():
            here = await target.fetchval(f"select sum(({place})::numeric) from {money.mapping}")  # noqa: S608
            there = await legacy.fetchval(
                f"select coalesce(sum({column}), 0) from {table} where id <> all ($1)",  # noqa: S608
                loaded,
            )
            if here + there != Decimal(manifest["money"][f"{table}.{column}"]):
                different.append(f"{table}.{column}: the sums differ")
    for column in OF_DOCTORS:
        name = column.split(".")[1]
        here = await target.fetchval(f"select sum((metadata ->> '{name}')::numeric) from doctors")  # noqa: S608
        if here != Decimal(manifest["money"][column]):
            different.append(f"{column}: the sums differ")
    return different
