"""Kinds of transformation, as the portal's README numbers them, where they occur in money; and every cent of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.both_sides import BothSides, both_sides
from tests.harness.money import MONEY, NOT_MOVED, OF_DOCTORS
from tests.harness.servers import Servers

SCALE = 0.05
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
async def sides(servers: Servers) -> AsyncIterator[BothSides]:
    """Both databases."""
    async with both_sides(servers, SCALE) as found:
        yield found


async def test_every_amount_column_of_the_manifest_has_a_place(sides: BothSides) -> None:
    placed = {f"{table}.{column}" for table, money in MONEY.items() for column in money.amounts}
    assert set(sides.manifest["money"]) == placed | NOT_MOVED | OF_DOCTORS


async def test_kind_06_three_flags_and_a_refund_become_the_state_of_a_payment(sides: BothSides) -> None:
    refunded = "exists (select 1 from dispatch_operation o where o.payment_id = i.id and o.type = 2)"
    await sides.alike(
        f"select id, case when canceled then 'cancelled' when {refunded} then 'refunded'"  # noqa: S608
        " when paid or free then 'completed' else 'pending' end, free, paid, canceled"
        " from good_invoice i order by 1",
        "select legacy_payment_id, status::text, (metadata ->> 'free')::boolean, (metadata ->> 'paid')::boolean,"
        " (metadata ->> 'canceled')::boolean from payments order by 1",
    )
    states = {row[0] for row in await sides.target.fetch("select distinct status::text from payments")}
    assert states == {"cancelled", "refunded", "completed", "pending"}
    both = await sides.legacy.fetchval("select count(*) from dispatch_payment where paid and canceled")
    assert both == sides.warned("payments", "not both paid and canceled") > 0


async def test_kind_09_percentages_of_tax_become_fractions_also_inside_metadata(sides: BothSides) -> None:
    await sides.alike(
        "select id, round(case when tax_rate > 1 and tax_rate <= 100 then tax_rate / 100 else tax_rate end, 6)"
        " from good_invoice order by 1",
        "select legacy_payment_id, round((metadata ->> 'tax_rate')::numeric, 6) from payments order by 1",
    )


async def test_kind_11_a_discount_has_a_code_made_of_its_number(sides: BothSides) -> None:
    await sides.alike(
        "select id, 'DISC-' || id, coalesce(nullif(btrim(reason), ''), 'Discount ' || id),"
        " case when percent < 1000 then percent end, start::timestamp at time zone 'UTC',"
        " finish::timestamp at time zone 'UTC', count, used, total from dispatch_discount order by 1",
        "select legacy_discount_id, code, name, percentage::integer, valid_from, valid_until, max_uses, current_uses,"
        " (metadata ->> 'total')::boolean from discounts order by 1",
    )
    nameless = await sides.legacy.fetchval("select count(*) from dispatch_discount where coalesce(reason, '') = ''")
    assert nameless == sides.warned("discounts", "discount named") > 0


async def test_kind_13_three_prices_become_the_amount_of_an_offer(sides: BothSides) -> None:
    await sides.alike(
        "select id, doctor_id, product_id, greatest(price_both, price_upper, price_lower)"
        " from dispatch_offer order by 1",
        "select o.legacy_offer_id, d.legacy_user_id, p.legacy_product_id, o.offer_amount from offers o"
        " left join doctors d on d.id = o.doctor_id join products p on p.id = o.product_id order by 1",
    )


async def test_kind_17_the_lines_of_a_payment_find_it_their_product_and_their_purchase(sides: BothSides) -> None:
    await sides.alike(
        "select w.id, w.payment_id, w.product_id, u.id,"
        " coalesce(nullif(w.name, ''), nullif(p.name, ''), 'Item ' || w.id)"
        " from dispatch_ware w join good_invoice i on i.id = w.payment_id"
        " left join dispatch_product p on p.id = w.product_id"
        " left join dispatch_purchase u on u.id = w.purchase_id order by 1",
        "select i.legacy_ware_id, y.legacy_payment_id, p.legacy_product_id, u.legacy_purchase_id, i.name"
        " from payment_items i join payments y on y.id = i.payment_id left join products p on p.id = i.product_id"
        " left join purchases u on u.id = i.purchase_id order by 1",
    )


async def test_kind_19_money_finds_its_order_patient_and_case_over_several_hops(sides: BothSides) -> None:
    await sides.alike(
        "select i.id, i.of_order, p.user_id from good_invoice i join dispatch_instruction o on o.id = i.of_order"
        " join dispatch_patient p on p.id = o.patient_id order by 1",
        "select y.legacy_payment_id, o.legacy_instruction_id, f.legacy_user_id from payments y"
        " join orders o on o.id = y.order_id join profiles f on f.id = y.patient_id order by 1",
    )
    await sides.alike(
        "select t.id, i.id, o.patient_id, case t.type when 1 then 'payment' when 2 then 'refund' end, t.made_at"
        " from dispatch_operation t join good_invoice i on i.id = t.payment_id"
        " join dispatch_instruction o on o.id = i.of_order where t.type in (1, 2) order by 1",
        "select t.legacy_id, y.legacy_payment_id, c.legacy_patient_id, t.operation_type, t.created_at from operations t"
        " join payments y on y.id = t.payment_id join cases c on c.id = t.case_id order by 1",
    )
    await sides.alike(
        "select u.id, o.id, u.product_id, u.number from dispatch_purchase u"
        " left join dispatch_order s on s.id = u.order_id left join good_order o on o.id = s.instruction_id order by 1",
        "select u.legacy_purchase_id, o.legacy_instruction_id, p.legacy_product_id, u.quantity from purchases u"
        " left join orders o on o.id = u.order_id join products p on p.id = u.product_id order by 1",
    )


async def test_kind_33_what_has_no_column_is_in_metadata_as_it_was_written(sides: BothSides) -> None:
    await sides.alike(
        "select id, tax_value::text, subtotal_price::text, additional_price::text, paid_price::text, used_credit::text,"
        " custom_price::text, installments, netsuite, office_id, doctor_id, order_id from good_invoice order by 1",
        "select legacy_payment_id, metadata ->> 'tax_value', metadata ->> 'subtotal_price',"
        " metadata ->> 'additional_price', metadata ->> 'paid_price', metadata ->> 'used_credit',"
        " metadata ->> 'custom_price', metadata ->> 'installments', (metadata ->> 'netsuite')::boolean,"
        " (metadata ->> 'office_id')::integer, (metadata ->> 'doctor_id')::integer, (metadata ->> 'order_id')::integer"
        " from payments order by 1",
    )
