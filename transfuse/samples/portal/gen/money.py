"""Offers, discounts, payments and their lines. Amounts add up, except where a defect says otherwise."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from .core import EPOCH_2020, World, cents
from .nasty import JSON_KINDS, document

RATES = tuple(map(Decimal, ("0.0000", "0.0625", "0.0825", "0.1025")))


def build(world: World) -> None:
    rng = world.enter("money")
    users, products, ledger = world.users, world.ids("dispatch_product"), world.ledger
    offers = world.table("dispatch_offer")
    for _ in range(world.n(788, 12)):
        one = cents(rng.randint(300, 2_000))
        offers.add(
            price_both=one * 2 - 100 if rng.random() < 0.9 else None,
            price_upper=one,
            price_lower=one if rng.random() < 0.9 else None,
            doctor_id=rng.choice(users.doctors) if rng.random() < 0.98 else None,
            product_id=rng.choice(products),
        )
    discounts, count = world.table("dispatch_discount"), world.n(151, 10)
    odd = world.picks(count, too_big=3, backwards=4)
    for number in range(count):
        kind = odd.get(number)
        start = date(2019, 1, 1) + timedelta(days=rng.randrange(2_000))
        finish = start + timedelta(days=90) if kind != "backwards" else start - timedelta(days=30)
        key = discounts.add(
            percent=1_500 if kind == "too_big" else rng.choice((5, 10, 15, 100)),
            reason=rng.choice(("Volume", "Goodwill", "", None)),
            count=rng.choice((None, 1, 10)),
            used=rng.randrange(5),
            start=start,
            finish=finish if kind or rng.random() < 0.8 else None,
            total=rng.random() < 0.3,
            offer_id=rng.choice(offers.ids),
        )
        if kind:
            ledger.defect(
                "number_too_big" if kind == "too_big" else "period_ends_before_start",
                "dispatch_discount",
                "percent" if kind == "too_big" else "finish",
                key,
            )
    _payments(world)


def _payments(world: World) -> None:
    rng, ledger = world.rng, world.ledger
    table, count = world.table("dispatch_payment"), world.n(17_235, 150)
    odd = world.picks(
        count,
        tax_as_percent=200,
        paid_and_canceled=25,
        wrong_total=30,
        too_big=4,
        negative=10,
        no_order=12,
        bad_json=20,
        json_nul=3,
    )
    shop = world.ids("dispatch_order")
    payments = []
    for number in range(count):
        kind = odd.get(number)
        rate = rng.choice(RATES if kind != "tax_as_percent" else RATES[1:])
        subtotal, additional = cents(rng.randint(0, 500_000) / 100), cents(rng.choice((0, 0, 0, 25, 49.9)))
        if kind == "too_big":
            subtotal = Decimal("123456789.01")
        elif kind == "negative":
            subtotal = -subtotal - 1
        tax = (subtotal * rate).quantize(Decimal("0.01"))
        total = subtotal + additional + tax + (Decimal("0.01") if kind == "wrong_total" else 0)
        free = kind is None and rng.random() < 0.05
        canceled = kind == "paid_and_canceled" or (kind is None and not free and rng.random() < 0.06)
        paid = kind == "paid_and_canceled" or (not free and not canceled and rng.random() < 0.8)
        of_shop = kind is None and rng.random() < 0.1
        order = rng.choice(world.orders)
        key = table.add(
            made_at=world.when() if paid or free else None,
            free=free,
            paid=paid,
            canceled=canceled,
            netsuite=rng.choice((True, False, None)),
            tax_rate=rate * 100 if kind == "tax_as_percent" else rate,
            tax_value=tax,
            subtotal_price=subtotal,
            additional_price=additional,
            total_price=total,
            paid_price=total if paid else Decimal(0),
            used_credit=cents(rng.random() * 50) if rng.random() < 0.05 else None,
            custom_price=cents(rng.random() * 900) if rng.random() < 0.05 else None,
            installments=document(kind, rng, {"parts": rng.randint(2, 12), "first": "2024-01-31"})
            if kind in JSON_KINDS or rng.random() < 0.1
            else "",
            instruction_id=None if of_shop or kind == "no_order" else order["id"],
            order_id=rng.choice(shop) if of_shop else None,
            doctor_id=order["doctor"],
            office_id=order["office"],
        )
        payments.append((key, total, paid))
        ledger.count("payments_canceled", canceled)
        ledger.count("payments_paid_not_canceled", paid and not canceled)
        ledger.count("payments_free", free)
        for name, defect, column in (
            ("tax_as_percent", "tax_as_percent", "tax_rate"),
            ("paid_and_canceled", "contradictory_state", "canceled"),
            ("wrong_total", "total_mismatch", "total_price"),
            ("negative", "negative_amount", "subtotal_price"),
            ("no_order", "missing_parent", "instruction_id"),
        ):
            if kind == name:
                ledger.defect(defect, "dispatch_payment", column, key)
        if kind in JSON_KINDS:
            ledger.defect(kind, "dispatch_payment", "installments", key)
        if kind == "too_big":
            ledger.defect("number_too_big", "dispatch_payment", "total_price", key)
    _lines(world, payments)


def _lines(world: World, payments: list[tuple[int, Decimal, bool]]) -> None:
    rng, ledger = world.rng, world.ledger
    operations, count = world.table("dispatch_operation"), world.n(3_720, 60)
    odd = world.picks(count, unknown_type=5)
    paid = [p for p in payments if p[2] and p[1] < 10**8]
    for number in range(count):
        key, total, _ = rng.choice(paid)
        operations.add(
            type=3 if number in odd else 1 if rng.random() < 0.93 else 2,
            made_at=world.when(EPOCH_2020),
            price=total,
            sq_order_id=f"{rng.getrandbits(80):020X}",
            sq_payment_id=f"{rng.getrandbits(80):020X}",
            sq_refund_id="",
            card_brand=rng.choice(("VISA", "MASTERCARD", "AMEX", "")),
            card_bin="411111",
            card_last=f"{rng.randrange(10_000):04d}",
            office_card=rng.random() < 0.4,
            attempts=rng.choice((1, 1, 2, None)),
            payment_id=key,
        )
    products, purchases = world.ids("dispatch_product"), world.table("dispatch_purchase")
    for _ in range(world.n(3_700, 40)):
        purchases.add(
            number=rng.randint(1, 20),
            used=rng.randrange(5),
            custom_price=cents(rng.random() * 100) if rng.random() < 0.2 else None,
            description=rng.choice(("", "Extra wires")),
            created_at=world.when(EPOCH_2020),
            order_id=rng.choice(world.ids("dispatch_order")) if rng.random() < 0.95 else None,
            product_id=rng.choice(products),
        )
    wares, count = world.table("dispatch_ware"), world.n(16_552, 120)
    odd = world.picks(count, orphan=60)
    for number in range(count):
        base, amount, percent = (
            cents(rng.randint(100, 90_000) / 100),
            rng.randint(1, 4),
            rng.choice((None, None, 10, 50)),
        )
        cut = (base * (percent or 0) / 100).quantize(Decimal("0.01"))
        key = wares.add(
            name=rng.choice(("Upper appliance", "Lower appliance", "Retainer", "")),
            count=amount,
            description=rng.choice(("", "rush", None)),
            free=rng.random() < 0.05,
            global_price=base,
            doctor_price=base if rng.random() < 0.5 else None,
            base_price=base,
            discount_percent=percent,
            discount_value=cut if percent else None,
            discount_price=base - cut if percent else None,
            discount_reason="Volume" if percent else "",
            total_price=(base - cut) * amount,
            payment_id=rng.choice(payments)[0],
            product_id=rng.choice(products) if rng.random() < 0.97 else None,
            purchase_id=90_000_000 + number
            if number in odd
            else rng.choice(purchases.ids)
            if rng.random() < 0.1
            else None,
        )
        if number in odd:
            ledger.defect("orphan", "dispatch_ware", "purchase_id", key)
