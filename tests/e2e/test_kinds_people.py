"""Kinds of transformation, numbered as in the portal's README: offices, people, and every table at once."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from shared.plan.reader import read_plan
from tests.harness.both_sides import BothSides, both_sides
from tests.harness.portal import PLAN
from tests.harness.servers import Servers

SCALE = 0.05
NO_VALUE = "('', 'null', 'NULL', 'None', 'undefined')"
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
async def sides(servers: Servers) -> AsyncIterator[BothSides]:
    """Both databases."""
    async with both_sides(servers, SCALE) as found:
        yield found


async def test_kind_01_columns_are_copied_under_new_names(sides: BothSides) -> None:
    await sides.alike(
        "select id, nullif(apt, ''), valid, emails from dispatch_office order by 1",
        "select legacy_office_id, apartment, is_active, email_notifications from offices order by 1",
    )
    await sides.alike(
        "select id, name, address, port, cpu, memory, memory_used from dispatch_agent order by 1",
        "select legacy_agent_id, name, address, port, cpu_count, memory_gb, memory_used_gb"
        " from computational_agents order by 1",
    )
    await sides.alike(
        "select id, name from auth_group order by 1", "select legacy_group_id, name from teams order by 1"
    )


async def test_kind_02_a_constant_stands_in_every_row_and_is_marked_as_invented(sides: BothSides) -> None:
    found = await sides.target.fetch("select specialty, count(*) from doctors group by specialty")
    assert [tuple(row) for row in found] == [("orthodontics", sides.manifest["filters"]["doctors"]["count"])]
    invented = {
        f"{mapping.name}.{column.column}"
        for mapping in read_plan(PLAN).mappings
        for column in mapping.columns
        if column.invented
    }
    people = {f"{mapping}.{name}" for mapping in ("profiles", "technicians") for name in ("first_name", "last_name")}
    assert {"doctors.specialty", "products.name"} | people <= invented


async def test_kind_04_names_are_cleaned_and_null_words_are_no_values(sides: BothSides) -> None:
    cleaned = f"case when btrim(%s) in {NO_VALUE} then 'Unknown' else regexp_replace(btrim(%s), '\\s+', ' ', 'g') end"
    first, last = (cleaned % (name, name) for name in ("u.first_name", "u.last_name"))
    await sides.alike(
        f"select u.id, {first}, {last} from auth_user u join person using (id) where kind is not null order by 1",  # noqa: S608
        "select legacy_user_id, first_name, last_name from profiles order by 1",
    )
    lost = await sides.target.fetchval(
        f"select count(*) from offices where city in {NO_VALUE} or zip_code in {NO_VALUE} or address in {NO_VALUE}"  # noqa: S608
    )
    assert lost == 0
    unnamed = await sides.legacy.fetchval(
        "select count(*) from dispatch_product where name is null or btrim(name) = ''"
    )
    assert unnamed == sides.warned("products", "name known") > 0
    await sides.alike(
        "select id, coalesce(nullif(btrim(name), ''), 'Product ' || id) from dispatch_product order by 1",
        "select legacy_product_id, name from products order by 1",
    )


async def test_kind_05_a_code_has_the_meaning_of_its_book_and_an_unknown_one_none(sides: BothSides) -> None:
    await sides.alike(
        "select id, case sex when 0 then 'other' when 1 then 'male' when 2 then 'female' end,"
        " case status when 1 then 'in_treatment' when 2 then 'consultation' when 4 then 'completed'"
        " when 10 then 'on_hold' end from dispatch_patient order by 1",
        "select legacy_patient_id, sex::text, status::text from patients order by 1",
    )
    await sides.alike(
        "select id, case status when 0 then 'no_product' when 1 then 'submitted' when 2 then 'on_hold'"
        " when 4 then 'shipped' end, case function when 1 then 'upload' when 2 then 'review' when 3 then 'approve'"
        " when 4 then 'ship' when 5 then 'notify' end from dispatch_template order by 1",
        "select legacy_template_id, status_trigger::text, function_type from templates order by 1",
    )
    await sides.alike(
        "select id, sex::text from dispatch_patient where sex not in (0, 1, 2) order by 1",
        "select legacy_patient_id, metadata -> 'rejected' ->> 'sex' from patients"
        " where metadata -> 'rejected' ? 'sex' order by 1",
    )
    await sides.alike(
        "select id, type::text from dispatch_course where type not between 1 and 6 order by 1",
        "select legacy_id, customization -> 'rejected' ->> 'course_type' from courses"
        " where course_type is null order by 1",
    )
    unknown = await sides.legacy.fetchval(
        "select count(*) from dispatch_role where group_id = 11 and user_id is not null and type not between 1 and 6"
    )
    assert unknown == sides.quarantined("technician_roles", "role_type") > 0


async def test_kind_07_what_a_person_is_follows_a_priority_over_several_tables(sides: BothSides) -> None:
    await sides.alike(
        "select id, kind from person where kind is not null order by 1",
        "select legacy_user_id, profile_type::text from profiles order by 1",
    )
    undecided = await sides.legacy.fetchval("select count(*) from person where kind is null")
    assert undecided == sides.quarantined("profiles", "profile_type") > 0
    await sides.alike(
        "select distinct user_id from auth_user_groups where group_id = 11 order by 1",
        "select t.legacy_user_id from technicians t join profiles p on p.id = t.profile_id"
        " where p.legacy_user_id = t.legacy_user_id order by 1",
    )


async def test_kind_08_who_is_in_several_groups_is_one_thing(sides: BothSides) -> None:
    several = "select user_id from auth_user_groups group by user_id having count(*) > 1"
    users = [row[0] for row in await sides.legacy.fetch(several)]
    assert len(users) == next(
        one["count"] for one in sides.manifest["defects"] if one["kind"] == "user_in_several_groups"
    )
    numbers = ", ".join(map(str, users))
    await sides.alike(
        "select distinct on (g.user_id) g.user_id, b.kind from auth_user_groups g"  # noqa: S608
        " join (values (1, 4, 'admin'), (2, 5, 'master'), (3, 11, 'technician'), (4, 3, 'sales_person'),"
        " (5, 6, 'support_agent'), (6, 2, 'doctor'), (7, 1, 'patient')) as b (place, id, kind) on b.id = g.group_id"
        f" where g.user_id in ({several}) order by g.user_id, b.place",
        f"select legacy_user_id, profile_type::text from profiles where legacy_user_id in ({numbers}) order by 1",  # noqa: S608
    )


async def test_kind_09_a_percentage_becomes_a_fraction_and_what_is_neither_is_kept_aside(sides: BothSides) -> None:
    await sides.alike(
        "select id, round(case when tax_rate <= 1 then tax_rate when tax_rate <= 100 then tax_rate / 100 end, 4)"
        " from dispatch_office order by 1",
        "select legacy_office_id, tax_rate from offices order by 1",
    )
    await sides.alike(
        "select id, tax_rate from dispatch_office where tax_rate > 100 order by 1",
        "select legacy_office_id, (metadata -> 'rejected' ->> 'tax_rate')::numeric from offices"
        " where metadata -> 'rejected' ? 'tax_rate' order by 1",
    )


async def test_kind_10_a_country_has_one_spelling(sides: BothSides) -> None:
    await sides.alike(
        "select id, case when lower(country) in ('usa', 'us', 'u.s.a.', 'united states', 'united states of america')"
        " then 'USA' when lower(country) in ('india', 'in') then 'India' when country = '日本'"
        " or lower(country) in ('japan', 'jp') then 'Japan' when country = 'ไทย' or lower(country) = 'thailand'"
        " then 'Thailand' else country end from dispatch_office order by 1",
        "select legacy_office_id, country from offices order by 1",
    )


async def test_kind_11_a_number_is_formatted(sides: BothSides) -> None:
    await sides.alike(
        "select id, 'PAT-' || lpad(id::text, greatest(6, length(id::text)), '0') from dispatch_patient order by 1",
        "select legacy_patient_id, patient_number from patients order by 1",
    )


@pytest.mark.parametrize(
    ("mapping", "legacy_id"),
    (
        ("offices", "legacy_office_id"),
        ("profiles", "legacy_user_id"),
        ("technicians", "legacy_technician_id"),
        ("products", "legacy_product_id"),
        ("template_products", "legacy_junction_id"),
    ),
)
async def test_kind_16_every_id_is_the_uuid_of_namespace_mapping_and_legacy_key(
    sides: BothSides, mapping: str, legacy_id: str
) -> None:
    namespace = uuid.UUID(read_plan(PLAN).namespace)
    found = await sides.target.fetch(f"select id, {legacy_id} as number from {mapping}")  # noqa: S608 - named above
    assert found
    assert all(row["id"] == uuid.uuid5(namespace, f"{mapping}:{row['number']}") for row in found)


async def test_kind_18_a_doctor_is_found_by_the_number_of_the_user(sides: BothSides) -> None:
    await sides.alike(
        "select id, case when pg_temp.is_doctor(doctor_id) then doctor_id end from dispatch_patient order by 1",
        "select p.legacy_patient_id, f.legacy_user_id from patients p left join doctors d on d.id = p.primary_doctor_id"
        " left join profiles f on f.id = d.profile_id order by 1",
    )


async def test_kind_24_two_tables_become_one_row_per_person(sides: BothSides) -> None:
    await sides.alike(
        "select u.id, p.id, u.username, u.is_active, coalesce(p.archived, false), coalesce(p.suspended, false),"
        " case when p.birthdate between '1900-01-02' and '2025-12-31' then p.birthdate end,"
        " case p.sex when 0 then 'other' when 1 then 'male' when 2 then 'female' end"
        " from auth_user u join person on person.id = u.id left join dispatch_patient p on p.user_id = u.id"
        " where person.kind is not null order by 1",
        "select legacy_user_id, legacy_patient_id, username, is_active, archived, suspended, date_of_birth,"
        " gender::text from profiles order by 1",
    )


async def test_kind_25_one_patient_is_a_row_in_four_tables(sides: BothSides) -> None:
    await sides.alike(
        "select id, user_id, id, case when pg_temp.is_doctor(doctor_id) then office_id end,"
        " case when office_id is not null and pg_temp.is_doctor(doctor_id) then doctor_id end"
        " from dispatch_patient order by 1",
        "select p.legacy_patient_id, f.legacy_user_id, c.legacy_patient_id, o.legacy_office_id, d.legacy_user_id"
        " from patients p join profiles f on f.id = p.profile_id and f.legacy_patient_id = p.legacy_patient_id"
        " join cases c on c.patient_id = p.id left join patients_doctors_offices l on l.patient_id = p.id"
        " left join doctors d on d.id = l.doctor_id left join offices o on o.id = l.office_id order by 1",
    )


async def test_kind_28_a_link_says_which_office_is_the_primary_one(sides: BothSides) -> None:
    await sides.alike(
        "select l.user_id, l.office_id, not exists (select from dispatch_office_doctors e"
        " where e.user_id = l.user_id and e.id < l.id) from dispatch_office_doctors l"
        " where pg_temp.is_doctor(l.user_id) order by 1, 2",
        "select d.legacy_user_id, o.legacy_office_id, l.is_primary from doctor_offices l"
        " join doctors d on d.id = l.doctor_id join offices o on o.id = l.office_id order by 1, 2",
    )


async def test_kind_33_what_has_no_column_is_in_metadata_to_the_cent(sides: BothSides) -> None:
    await sides.alike(
        "select user_id, clinical_preferences, sq_customer_id, promised_payment::text, credit::text, tier_finish::text,"
        " tier_type, installment_payments, company_account from dispatch_doctorsetting order by 1",
        "select legacy_user_id, metadata ->> 'clinical_preferences', metadata ->> 'sq_customer_id',"
        " metadata ->> 'promised_payment', metadata ->> 'credit', metadata ->> 'tier_finish',"
        " (metadata ->> 'tier_type')::int, (metadata ->> 'installment_payments')::boolean,"
        " (metadata ->> 'company_account')::boolean from doctors"
        " where metadata ->> 'clinical_preferences' is not null order by 1",
    )
    for name in ("promised_payment", "credit"):
        summed = await sides.target.fetchval(f"select sum((metadata ->> '{name}')::numeric)::text from doctors")  # noqa: S608
        assert summed == sides.manifest["money"][f"dispatch_doctorsetting.{name}"]
    await sides.alike(
        'select id, abbrev, type, "order", group_id, user_id from dispatch_role order by 1',
        "select legacy_role_id, metadata ->> 'abbrev', (metadata ->> 'type')::int, (metadata ->> 'order')::int,"
        " (metadata ->> 'group_id')::int, (metadata ->> 'user_id')::int from roles order by 1",
    )


async def test_kind_37_timestamps_are_kept_and_a_missing_one_stays_missing(sides: BothSides) -> None:
    plausible = "case when {0} between '1900-01-02' and '2025-12-31 23:59:59.999999+00' then {0} end"
    joined, login = plausible.format("u.date_joined"), plausible.format("u.last_login")
    await sides.alike(
        f"select u.id, {joined}, {login} from auth_user u join person using (id) where kind is not null order by 1",  # noqa: S608
        "select legacy_user_id, created_at, last_login_at from profiles order by 1",
    )
    changed = plausible.format("updated_at")
    await sides.alike(
        f"select id, {changed} from dispatch_patient order by 1",  # noqa: S608
        "select legacy_patient_id, updated_at from patients order by 1",
    )


async def test_kind_37_no_column_holds_the_time_of_the_run(sides: BothSides) -> None:
    tables = [mapping.into.value for mapping in read_plan(PLAN).mappings]
    columns = await sides.target.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        " and table_name = any($1) and (column_default ilike 'now()' or column_default ilike 'current_date')",
        tables,
    )
    assert len(columns) > len(tables)
    written = [
        f"{table}.{column}"
        for table, column in columns
        if await sides.target.fetchval(
            f'select exists (select from "{table}" where "{column}" >='  # noqa: S608 - the target's own names
            " (select created_at::date from transfuse.run order by created_at limit 1))"
        )
    ]
    assert written == []
