"""Kinds of transformation, as the portal's README numbers them, where they occur among orders, treatment and files."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.both_sides import BothSides, both_sides
from tests.harness.servers import Servers

SCALE = 0.05
IN_RANGE = "between '1900-01-02' and '2025-12-31 23:59:59.999999+00'"
AS_JSON = (
    "case when coalesce({0}, '') = '' then null when pg_temp.json_state({0}) = 'ok' then {0}::jsonb"
    " else jsonb_build_object('raw', {0}) end"
)
WELL_NAMED = "name ~ '^(SS|CE|TI|GO)-[0-9]+-T[+-]?[0-9]+-A[0-9]+-[UL][RL][1-8]-[UL]-(MBT|ROTH|DAMON)(-[0-9.x]+)?$'"
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
async def sides(servers: Servers) -> AsyncIterator[BothSides]:
    """Both databases."""
    async with both_sides(servers, SCALE) as found:
        await found.legacy.execute(found.manifest["json_state_function"])
        yield found


def filtered(sides: BothSides, mapping: str) -> int:
    """How many rows of a mapping its `keep` left out."""
    return sum(found.counts.filtered for found in sides.finished.snapshot.balances if found.mapping == mapping)


async def test_kind_03_text_becomes_jsonb_and_what_is_no_json_is_kept_raw(sides: BothSides) -> None:
    await sides.alike(
        f"select id, {AS_JSON.format('exports')} from good_order order by 1",  # noqa: S608
        "select legacy_instruction_id, exports from orders order by 1",
    )
    await sides.alike(
        f"select f.id, {AS_JSON.format('f.parameters')} from dispatch_file f"  # noqa: S608
        " join good_order o on o.id = f.instruction_id order by 1",
        "select legacy_file_id, parameters from order_files order by 1",
    )


async def test_kind_06_a_flag_and_a_date_become_a_state_and_their_contradictions_are_counted(sides: BothSides) -> None:
    await sides.alike(
        "select t.id, t.checked, case when t.checked then 'completed' else 'pending' end,"  # noqa: S608
        f" case when t.checked and t.done_at {IN_RANGE} then t.done_at end"
        " from dispatch_task t join good_order o on o.id = t.instruction_id order by 1",
        "select legacy_task_id, checked, status::text, completed_at from tasks order by 1",
    )
    of_tasks = "select count(*) from dispatch_task where instruction_id is not null and "
    undated = await sides.legacy.fetchval(of_tasks + "checked and done_at is null")
    assert undated == sides.warned("tasks", "done means dated") > 0
    not_done = await sides.legacy.fetchval(of_tasks + "not checked and done_at is not null")
    assert not_done == sides.warned("tasks", "dated means done") > 0
    await sides.alike(
        "select t.id, t.done_at from dispatch_task t join good_order o on o.id = t.instruction_id"
        " where not t.checked and t.done_at is not null order by 1",
        "select legacy_task_id, (metadata ->> 'done_at')::timestamptz from tasks"
        " where not checked and metadata ->> 'done_at' is not null order by 1",
    )


async def test_kind_12_a_name_is_split_into_its_parts(sides: BothSides) -> None:
    parts = {
        "('{SS,steel,CE,ceramic,TI,titanium,GO,gold}'::text[])"
        "[array_position('{SS,steel,CE,ceramic,TI,titanium,GO,gold}', left(name, 2)) + 1]": "material",
        "case when split_part(name, '-', 2)::int < 10000 then round(split_part(name, '-', 2)::int / 1000.0, 3) end": (
            "slot_size"
        ),
        "substring(name from '-T([+-]?[0-9]+)-A')::int": "torque",
        "substring(name from '-A([0-9]+)-')::int": "angulation",
        "substring(name from '-([UL][RL][1-8])-')": "tooth_position",
        "substring(name from '[1-8]-([UL])-')": "arch_type",
        "substring(name from '-(MBT|ROTH|DAMON)')": "prescription",
        "substring(name from '-([0-9.]+)x')::numeric": "height_mm",
        "substring(name from 'x([0-9.]+)x')::numeric": "width_mm",
        "substring(name from 'x([0-9.]+)$')::numeric": "thickness_mm",
    }
    await sides.alike(
        f"select id, {', '.join(parts)} from dispatch_bracket where {WELL_NAMED} order by 1",  # noqa: S608
        f"select legacy_bracket_id, {', '.join(parts.values())} from brackets where material is not null order by 1",  # noqa: S608
    )
    await sides.alike(
        f"select id, name, 0 from dispatch_bracket where not ({WELL_NAMED}) and name <> '' order by 1",  # noqa: S608
        f"select legacy_bracket_id, name, num_nonnulls({', '.join(parts.values())}) from brackets"  # noqa: S608
        " where material is null order by 1",
    )
    await sides.alike(
        "select id, split_part(name, '-', 2) from dispatch_bracket"  # noqa: S608
        f" where {WELL_NAMED} and length(split_part(name, '-', 2)) > 4 order by 1",
        "select legacy_bracket_id, metadata -> 'rejected' ->> 'slot_size' from brackets"
        " where metadata ? 'rejected' order by 1",
    )


async def test_kind_13_a_file_is_called_by_name_and_extension_together(sides: BothSides) -> None:
    await sides.alike(
        "select id, case when ext = '' then name else name || '.' || ext end from dispatch_file order by 1",
        "select legacy_file_id, filename from files order by 1",
    )


async def test_a_file_keeps_the_number_of_its_message_unless_the_message_is_lost(sides: BothSides) -> None:
    await sides.alike(
        "select f.id, r.id from dispatch_file f left join dispatch_record r on r.id = f.record_id order by 1",
        "select legacy_file_id, (metadata ->> 'legacy_record_id')::int from files order by 1",
    )
    lost = await sides.legacy.fetchval(
        "select count(*) from dispatch_file where record_id not in (select id from dispatch_record)"
    )
    assert lost == sides.warned("files", "message found") > 0


async def test_kind_15_the_extension_says_what_a_file_is(sides: BothSides) -> None:
    await sides.alike(
        "select f.id, m.type from dispatch_file f left join (values ('stl', 'model/stl'), ('ply', 'model/ply'),"
        " ('jpg', 'image/jpeg'), ('png', 'image/png'), ('heic', 'image/heic'), ('pdf', 'application/pdf'),"
        " ('dcm', 'application/dicom'), ('zip', 'application/zip')) as m (ext, type) on m.ext = lower(f.ext)"
        " order by 1",
        "select legacy_file_id, mime_type from files order by 1",
    )
    category = (
        "case when f.name like '%\\_full' and lower(f.ext) in ('jpg', 'png', 'heic') then 'final_package'"
        " when lower(f.ext) in ('stl', 'ply', 'dcm') then 'scan'"
        " when lower(f.ext) in ('jpg', 'png', 'heic') then 'image'"
        " when f.ext = 'pdf' then 'document' when f.ext = 'zip' then 'package' when f.ext = '' then 'other' end"
    )
    await sides.alike(
        f"select f.id, {category} from dispatch_file f join good_order o on o.id = f.instruction_id order by 1",  # noqa: S608
        "select legacy_file_id, category from order_files order by 1",
    )
    await sides.alike(
        f"select f.id, {category} from dispatch_file f join good_order o on o.id = f.instruction_id order by 1",  # noqa: S608
        "select f.legacy_file_id, c.file_purpose from case_files c join files f on f.id = c.file_id order by 1",
    )


async def test_kind_17_a_task_finds_its_order_and_its_template(sides: BothSides) -> None:
    await sides.alike(
        "select t.id, t.instruction_id, t.template_id, coalesce(nullif(e.task_name, ''), e.text_name), t.actor_id"
        " from dispatch_task t join good_order o on o.id = t.instruction_id"
        " join dispatch_template e on e.id = t.template_id order by 1",
        "select t.legacy_task_id, o.legacy_instruction_id, e.legacy_template_id, t.template_name, p.legacy_user_id"
        " from tasks t join orders o on o.id = t.order_id"
        " join templates e on e.id = t.template_id and e.name = t.template_name"
        " left join profiles p on p.id = t.assigned_to order by 1",
    )
    lost = await sides.legacy.fetchval(
        "select count(*) from dispatch_task where instruction_id not in (select id from good_order)"
    )
    assert lost == sides.quarantined("tasks", "order_id") > 0


async def test_kind_19_a_plan_finds_people_over_its_order_and_a_project_its_order_over_its_first_plan(
    sides: BothSides,
) -> None:
    await sides.alike(
        "select l.id, l.project_id, l.instruction_id, p.user_id, p.doctor_id from good_plan l"
        " join dispatch_instruction i on i.id = l.instruction_id"
        " join dispatch_patient p on p.id = i.patient_id order by 1",
        "select t.legacy_plan_id, j.legacy_project_id, o.legacy_instruction_id, p.legacy_user_id, d.legacy_user_id"
        " from treatment_plans t join projects j on j.id = t.project_id join orders o on o.id = t.order_id"
        " join profiles p on p.id = t.patient_id join profiles d on d.id = t.doctor_id order by 1",
    )
    first = "select min(id) from dispatch_plan l where l.project_id = p.id"
    await sides.alike(
        f"select p.id, o.id, l.instruction_id from good_project p left join dispatch_plan l on l.id = ({first})"  # noqa: S608
        " left join good_order o on o.id = l.instruction_id order by 1",
        "select p.legacy_project_id, o.legacy_instruction_id, (p.metadata ->> 'first_instruction_id')::int"
        " from projects p left join orders o on o.id = p.order_id order by 1",
    )


async def test_kind_20_the_column_that_points_at_a_jaw_says_its_side(sides: BothSides) -> None:
    await sides.alike(
        "select j.id, case when j.upper then 'upper' else 'lower' end, o.id"
        " from jaw_of j join good_order o on o.id = j.instruction_id order by 1",
        "select j.legacy_jaw_id, j.jaw_type, o.legacy_instruction_id"
        " from jaws j join orders o on o.id = j.order_id order by 1",
    )
    untold = await sides.legacy.fetchval("select count(*) from dispatch_jaw where id not in (select id from jaw_of)")
    assert untold == sides.quarantined("jaws", "jaw_type") > 0


async def test_kind_29_one_character_per_tooth_becomes_a_list_of_teeth(sides: BothSides) -> None:
    jaws = "dispatch_jaw j join jaw_of using (id) join good_order o on o.id = jaw_of.instruction_id"
    await sides.alike(
        "select j.id, jsonb_agg(t.place order by t.place) filter (where t.sign = '1') from"  # noqa: S608
        f" {jaws}, unnest(string_to_array(j.bond_teeth, null)) with ordinality as t (sign, place)"
        " where j.bond_teeth ~ '^[01]{16}$' and j.bond_teeth <> '0000000000000000' group by j.id order by 1",
        "select legacy_jaw_id, metadata -> 'bonded' from jaws where metadata -> 'bonded' <> '[]' order by 1",
    )
    await sides.alike(
        "select t.place, count(*) filter (where t.sign = '1') from"  # noqa: S608
        f" {jaws}, unnest(string_to_array(j.bond_teeth, null)) with ordinality as t (sign, place)"
        " where j.bond_teeth ~ '^[01]{16}$' group by 1 order by 1",
        "select t.place, count(*) filter (where t.sign = '1') from jaws,"
        " unnest(string_to_array(bond_teeth, null)) with ordinality as t (sign, place) group by 1 order by 1",
    )
    await sides.alike(
        f"select j.id, j.bond_teeth from {jaws} where j.bond_teeth !~ '^[01]{{16}}$' order by 1",  # noqa: S608
        "select legacy_jaw_id, metadata -> 'rejected' ->> 'bond_teeth' from jaws where bond_teeth is null order by 1",
    )


async def test_kind_30_the_state_before_is_the_one_before_it_in_time_of_the_same_case(sides: BothSides) -> None:
    name = "case {0}.status when 11 then 'treatment_active' when 12 then 'case_closed' end"
    await sides.alike(
        f"select s.id, o.patient_id, {name.format('s')}, (select {name.format('e')} from dispatch_state e"  # noqa: S608
        " join dispatch_instruction i on i.id = e.instruction_id where i.patient_id = o.patient_id"
        " and (e.changed_at, e.id) < (s.changed_at, s.id) order by e.changed_at desc, e.id desc limit 1)"
        " from dispatch_state s join good_order o on o.id = s.instruction_id where s.status in (11, 12) order by 1",
        "select s.legacy_state_id, c.legacy_patient_id, s.current_state::text, s.previous_state::text"
        " from case_states s join cases c on c.id = s.case_id order by 1",
    )
    await sides.alike(
        'select s.id, s.instruction_id, s.status, s."on", s.changed_at, s.actor_id'
        " from dispatch_state s join good_order o on o.id = s.instruction_id where s.status in (11, 12) order by 1",
        "select s.legacy_state_id, o.legacy_instruction_id, s.status_code, s.is_active, s.changed_at, p.legacy_user_id"
        " from order_states s join orders o on o.id = s.order_id"
        " left join profiles p on p.id = s.changed_by order by 1",
    )


async def test_kind_31_done_tasks_without_an_order_are_kept_and_the_others_counted(sides: BothSides) -> None:
    await sides.alike(
        "select t.id, t.actor_id, coalesce(nullif(t.text, ''), nullif(e.task_name, ''), e.text_name), t.done_at"  # noqa: S608
        f" from dispatch_task t join dispatch_template e on e.id = t.template_id where t.instruction_id is null"
        f" and t.done_at {IN_RANGE} order by 1",
        "select t.legacy_task_id, p.legacy_user_id, t.task, t.task_date from user_tasks t"
        " left join profiles p on p.id = t.actor_id order by 1",
    )
    others = await sides.legacy.fetchval(
        "select count(*) from dispatch_task where instruction_id is not null or done_at is null"
    )
    assert others == filtered(sides, "user_tasks") > 0
    assert filtered(sides, "tasks") == sides.manifest["filters"]["tasks_without_order"]["count"]


async def test_kind_32_what_was_deleted_is_loaded_as_deleted(sides: BothSides) -> None:
    await sides.alike(
        "select id, deleted, case when deleted then updated_at end from good_order order by 1",
        "select legacy_instruction_id, deleted, deleted_at from orders order by 1",
    )
    await sides.alike(
        "select id, archived or suspended from dispatch_patient order by 1",
        "select legacy_patient_id, deleted from cases order by 1",
    )
    deleted = await sides.target.fetchval("select count(*) from cases where deleted")
    assert deleted == sides.manifest["filters"]["patients_archived_or_suspended"]["count"] > 0


async def test_kind_36_every_patient_has_a_case_and_every_order_belongs_to_it(sides: BothSides) -> None:
    await sides.alike(
        "select id, 'CASE-' || id from dispatch_patient order by 1",
        "select p.legacy_patient_id, c.case_number from cases c join patients p on p.id = c.patient_id order by 1",
    )
    await sides.alike(
        "select id, patient_id from good_order order by 1",
        "select o.legacy_instruction_id, c.legacy_patient_id from order_cases l join orders o on o.id = l.order_id"
        " join cases c on c.id = l.case_id order by 1",
    )
    await sides.alike(
        "select f.id, o.patient_id from dispatch_file f join good_order o on o.id = f.instruction_id order by 1",
        "select f.legacy_file_id, c.legacy_patient_id from case_files l join files f on f.id = l.file_id"
        " join cases c on c.id = l.case_id order by 1",
    )


async def test_kind_37_a_day_becomes_its_midnight_and_no_time_is_made_up(sides: BothSides) -> None:
    await sides.alike(
        "select id, patient_id, title, case when done then 'completed' else 'scheduled' end,"
        " case when date between '1900-01-02' and '2025-12-31' then date::timestamp at time zone 'UTC' end, null"
        " from dispatch_event order by 1",
        "select e.legacy_event_id, p.legacy_patient_id, e.event_type, e.status, e.scheduled_at, e.created_at"
        " from patient_events e join patients p on p.id = e.patient_id order by 1",
    )
    await sides.alike(
        "select id, date::text from dispatch_event where date > '2025-12-31' order by 1",
        "select legacy_event_id, metadata -> 'rejected' ->> 'scheduled_at' from patient_events"
        " where scheduled_at is null order by 1",
    )
    await sides.alike(
        "select id, created_at, created_at, null from dispatch_file order by 1",
        "select legacy_file_id, uploaded_at, created_at, updated_at from files order by 1",
    )


async def test_the_price_of_every_order_is_loaded_or_waits_to_the_cent(sides: BothSides) -> None:
    waiting = await sides.legacy.fetchval(
        "select coalesce(sum(price), 0) from dispatch_instruction where id not in (select id from good_order)"
    )
    loaded = await sides.target.fetchval("select sum(amount) from orders")
    assert str(loaded + waiting) == sides.manifest["money"]["dispatch_instruction.price"]
