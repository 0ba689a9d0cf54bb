"""Kinds of transformation, as the portal's README numbers them, where they occur in what people and the portal said."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from services.loader.settlement import masked_row
from shared.plan.reader import read_plan
from tests.harness.both_sides import BothSides, both_sides
from tests.harness.portal import PLAN
from tests.harness.servers import Servers

SCALE = 0.05
ABOUT = (
    "case kind when 'dispatch.patient' then 'patients' when 'dispatch.instruction' then 'orders' else 'profiles' end"
)
PHI = {
    *("first_name", "last_name", "email", "phone", "date_of_birth", "username", "patient_suffix", "last_login_at"),
    *("address", "apartment", "zip_code", "content", "body", "description", "subject", "notes", "complaint"),
    *("plan_notes", "message", "message_data", "action_data", "external_id", "filename", "display_name", "task"),
    *("schemes", "exports", "conditions", "scheduled_at", "enrolled_at"),
}
"""Columns of people's own data wherever they occur, free text, and documents."""
OF_THINGS = {"products": {"description"}, "computational_agents": {"address"}}
"""The same names where they describe what is sold, and machines."""
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
async def sides(servers: Servers) -> AsyncIterator[BothSides]:
    """Both databases."""
    async with both_sides(servers, SCALE) as found:
        yield found


def filtered(sides: BothSides, mapping: str) -> int:
    """How many rows of a mapping its `keep` left out, or went with a parent that was."""
    return sum(found.counts.filtered for found in sides.finished.snapshot.balances if found.mapping == mapping)


async def test_kind_05_an_unknown_type_of_message_is_general_counted_and_kept(sides: BothSides) -> None:
    await sides.alike(
        "select id, case type when 3 then 'message' when 5 then 'clinical_note' when 6 then 'patient_message'"
        " when 8 then 'status' else 'general' end, type from good_message order by 1",
        "select legacy_record_id, message_type, (metadata ->> 'type')::integer from messages order by 1",
    )
    assert sides.warned("messages", "message_type") > 0


async def test_kind_14_the_text_of_a_record_says_where_it_goes(sides: BothSides) -> None:
    await sides.alike(
        "select id, text from said where group_id is null and type = 6"
        " and text ~* '(unhappy|refund|damaged)' order by 1",
        "select legacy_record_id, description from customer_feedback order by 1",
    )
    await sides.alike(
        "select s.id, s.text, s.group_id, o.id, case when s.public then 'public' else 'internal' end, s.created_at"
        " from said s left join good_order o on s.kind = 'dispatch.instruction' and o.id = s.target_id"
        " where s.group_id is not null order by 1",
        "select c.legacy_record_id, c.body, t.legacy_group_id, o.legacy_instruction_id, c.visibility, c.created_at"
        " from team_communications c join teams t on t.id = c.team_id"
        " left join orders o on o.id = c.order_id order by 1",
    )
    twice = "select legacy_record_id from {} intersect select legacy_record_id from {}"
    for one, other in (("messages", "team_communications"), ("messages", "customer_feedback")):
        assert await sides.target.fetch(twice.format(one, other)) == []


async def test_kind_14_a_question_or_its_author_says_what_a_case_message_is(sides: BothSides) -> None:
    await sides.alike(
        "select r.id, case when position('?' in r.text) > 0 then 'patient_question'"
        " when pg_temp.is_doctor(r.author_id) then 'doctor_response' else 'treatment_update' end, r.text"
        " from remark r join good_plan l on l.id = r.plan_id order by 1",
        "select legacy_record_id, message_type::text, content from case_messages order by 1",
    )


async def test_kind_19_a_comment_finds_its_case_over_plan_order_and_patient(sides: BothSides) -> None:
    await sides.alike(
        "select r.id, o.patient_id, r.author_id, r.created_at from remark r join good_plan l on l.id = r.plan_id"
        " join dispatch_instruction o on o.id = l.instruction_id order by 1",
        "select m.legacy_record_id, c.legacy_patient_id, p.legacy_user_id, m.sent_at from case_messages m"
        " join cases c on c.id = m.case_id join profiles p on p.id = m.sender_id order by 1",
    )


async def test_kind_21_the_content_types_name_decides_what_a_generic_key_points_at(sides: BothSides) -> None:
    await sides.alike(
        f"select id, {ABOUT}, target_id, author_id, text from good_message order by 1",  # noqa: S608
        "select m.legacy_record_id, m.recipient_type, case m.recipient_type when 'patients' then p.legacy_patient_id"
        " when 'orders' then o.legacy_instruction_id else f.legacy_user_id end, s.legacy_user_id, m.content"
        " from messages m left join patients p on p.id = m.recipient_id left join orders o on o.id = m.recipient_id"
        " left join profiles f on f.id = m.recipient_id left join profiles s on s.id = m.sender_id order by 1",
    )
    await sides.alike(
        "select d.id, d.user_id, d.target_id, d.read_at from dispatch_reading d"
        " join django_content_type c on c.id = d.target_type_id and (c.app_label, c.model) = ('dispatch', 'record')"
        " join good_message m on m.id = d.target_id order by 1",
        "select r.legacy_reading_id, p.legacy_user_id, m.legacy_record_id, r.read_at from message_read_receipts r"
        " join profiles p on p.id = r.user_id join messages m on m.id = r.message_id order by 1",
    )
    await sides.alike(
        "select l.id, case l.kind when 'dispatch.payment' then 'payments' when 'auth.user' then 'profiles'"
        " else 'offices' end, l.target_id, l.external_id from linked l"
        " where (l.kind = 'dispatch.payment' and exists (select 1 from good_invoice g where g.id = l.target_id))"
        " or (l.kind = 'auth.user' and exists (select 1 from person p where p.id = l.target_id and p.kind is not null))"
        " or (l.kind = 'dispatch.office' and exists (select 1 from dispatch_office o where o.id = l.target_id))"
        " order by 1",
        "select l.legacy_link_id, l.entity_type, case l.entity_type when 'payments' then y.legacy_payment_id"
        " when 'profiles' then p.legacy_user_id else o.legacy_office_id end, l.external_id from external_links l"
        " left join payments y on y.id = l.entity_id left join profiles p on p.id = l.entity_id"
        " left join offices o on o.id = l.entity_id order by 1",
    )


async def test_kind_22_two_generic_keys_of_one_row_keep_model_and_number_each(sides: BothSides) -> None:
    await sides.alike(
        "select a.id, a.item_id, i.app_label || '.' || i.model, a.owner_id, o.app_label || '.' || o.model, a.user_id,"
        " a.action, a.date, nullif(a.data, '') from dispatch_action a"
        " left join django_content_type i on i.id = a.item_type_id"
        " left join django_content_type o on o.id = a.owner_type_id where length(a.action) <= 50 order by 1",
        "select a.legacy_action_id, a.item_id, a.item_type, a.owner_id, a.owner_type, p.legacy_user_id, a.action,"
        " a.action_date, a.action_data from user_actions a left join profiles p on p.id = a.user_id order by 1",
    )


async def test_kind_26_two_tables_become_one_and_their_keys_do_not_meet(sides: BothSides) -> None:
    await sides.alike(
        "select 'dispatch_comment', r.id, r.text, 'treatment_discussion', r.author_id, r.created_at"
        " from remark r join good_plan l on l.id = r.plan_id"
        " union all select 'dispatch_note', id, text, 'doctor_note', author_id, created_at from dispatch_note"
        " order by 1, 2",
        "select c.legacy_table, c.legacy_id, c.content, c.comment_type::text, p.legacy_user_id, c.created_at"
        " from comments c join profiles p on p.id = c.author_id order by 1, 2",
    )
    both = "select count(*) from (select legacy_id from comments group by 1 having count(*) > 1) twice"
    assert await sides.target.fetchval(both) > 0, "the same number must occur in both tables"
    balances = {one.mapping: one for one in sides.finished.snapshot.balances}
    loaded = [balances[name].counts.loaded for name in ("comments_on_plans", "comments_on_doctors")]
    assert all(balances[name].balances for name in ("comments_on_plans", "comments_on_doctors"))
    assert sum(loaded) == await sides.target.fetchval("select count(*) from comments")


async def test_kind_27_every_comment_has_its_detail_and_every_detail_its_comment(sides: BothSides) -> None:
    await sides.alike(
        "select r.id, r.plan_id from remark r join good_plan l on l.id = r.plan_id order by 1",
        "select c.legacy_id, t.legacy_plan_id from treatment_discussions d join comments c on c.id = d.comment_id"
        " join treatment_plans t on t.id = d.treatment_plan_id where c.legacy_table = 'dispatch_comment' order by 1",
    )
    await sides.alike(
        "select id, id, doctor_id from dispatch_note order by 1",
        "select n.legacy_note_id, c.legacy_id, p.legacy_user_id from doctor_notes n"
        " join comments c on c.id = n.comment_id and c.legacy_table = 'dispatch_note'"
        " join profiles p on p.id = n.doctor_id order by 1",
    )
    alone = (
        "select count(*) from comments c"
        " where not exists (select 1 from treatment_discussions d where d.comment_id = c.id)"
        " and not exists (select 1 from doctor_notes n where n.comment_id = c.id)"
    )
    assert await sides.target.fetchval(alone) == 0


async def test_kind_28_an_attachment_carries_name_size_and_type_of_its_file(sides: BothSides) -> None:
    await sides.alike(
        "select a.record_id, a.file_id, case when f.ext = '' then f.name else f.name || '.' || f.ext end, f.size, a.id"
        " from dispatch_record_attachments a join good_message m on m.id = a.record_id"
        " join dispatch_file f on f.id = a.file_id order by 5",
        "select m.legacy_record_id, f.legacy_file_id, a.display_name, a.file_size,"
        " (a.metadata ->> 'legacy_id')::integer"
        " from message_attachments a join messages m on m.id = a.message_id join files f on f.id = a.file_id"
        " where a.mime_type is not distinct from f.mime_type order by 5",
    )


async def test_kind_31_only_notifications_that_were_sent_move_and_the_others_are_counted(sides: BothSides) -> None:
    await sides.alike(
        "select id, recipient_id from dispatch_notification where send and sent order by 1",
        "select m.legacy_notification_id, p.legacy_user_id from system_messages m"
        " join profiles p on p.id = m.recipient_id order by 1",
    )
    others = await sides.legacy.fetchval("select count(*) from dispatch_notification where not (send and sent)")
    assert others == filtered(sides, "system_messages") > 0


async def test_kind_31_what_is_no_message_is_filtered_and_its_receipts_and_attachments_go_with_it(
    sides: BothSides,
) -> None:
    total = await sides.legacy.fetchval("select count(*) from dispatch_record")
    messages = await sides.legacy.fetchval("select count(*) from message")
    assert filtered(sides, "messages") == total - messages > 0
    followed = await sides.legacy.fetchval(
        "select count(*) from dispatch_record_attachments where record_id not in (select id from message)"
    )
    assert followed == filtered(sides, "message_attachments") > 0


def test_kind_41_no_column_with_health_data_is_clear_in_any_mapping() -> None:
    for mapping in read_plan(PLAN).mappings:
        shown = {text.value for text in mapping.clear} - OF_THINGS.get(mapping.name, set())
        assert not PHI & shown, mapping.name
    messages = read_plan(PLAN).mapping("system_messages")
    assert {"message_data", "metadata", "recipient_id"}.isdisjoint(text.value for text in messages.clear)


def test_kind_41_a_refused_notification_is_shown_without_its_context() -> None:
    mapping = read_plan(PLAN).mapping("system_messages")
    clear = frozenset(text.value for text in mapping.clear)
    person = '{"patient": {"id": 7, "name": "Maria Example"}}'
    row = msgspec.json.encode({column.column: person for column in mapping.columns if column.column not in clear})
    shown = msgspec.to_builtins(masked_row(row, clear))
    assert {*shown} == {column.column for column in mapping.columns} - clear
    assert all(value == {"kind": "text", "length": len(person)} for value in shown.values())


async def test_kind_41_rows_in_quarantine_show_clear_columns_alone(sides: BothSides) -> None:
    clear = {mapping.name: {text.value for text in mapping.clear} for mapping in read_plan(PLAN).mappings}
    rows = await sides.target.fetch("select mapping, masked from transfuse.quarantine")
    assert len({row["mapping"] for row in rows}) > 5
    for row in rows:
        for column, shown in msgspec.json.decode(row["masked"]).items():
            assert column in clear[row["mapping"]] or {*shown} == {"kind", "length"}, (row["mapping"], column)
