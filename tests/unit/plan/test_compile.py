from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.core.states import Encoding
from shared.plan.compile import check_sources, compile_plan
from shared.plan.compiled import CompiledPlan, Cut, decode_compiled, encode_compiled
from shared.plan.describe import describe_statements
from shared.plan.explain import explain, explanation_text
from shared.plan.from_clause import PREFIX, drops_none, parse_one_select
from shared.plan.lineage import lineage
from shared.plan.position import PlanRefused
from shared.postgres.catalog import Catalog, Column, ColumnType, Table, UniqueKey
from tests.planning import (
    APP,
    APP_PATIENTS,
    CLINIC,
    DESCRIBED,
    FLOAT,
    INTEGER,
    LEGACY,
    TEXT,
    TOUCH,
    UUID,
    catalog,
    problems,
    read,
    table,
)


def compiled(text: str = CLINIC, *, target: Catalog = APP, described: Any = DESCRIBED) -> CompiledPlan:  # noqa: ANN401
    return compile_plan(read(text), LEGACY, target, described, transfuse_version="0.1.0")


def refused(text: str = CLINIC, *, target: Catalog = APP) -> list[str]:
    with pytest.raises(PlanRefused) as refusal:
        compiled(text, target=target)
    return problems(refusal.value)


def patients(**changes: Any) -> Catalog:  # noqa: ANN401
    """The target with another table of patients."""
    return catalog("app", APP.tables["doctors"], msgspec.structs.replace(APP_PATIENTS, **changes))


def with_column(column: Column) -> Catalog:
    return patients(columns=(*APP_PATIENTS.columns, column))


def test_a_plan_becomes_three_programs_per_mapping_in_the_order_of_references() -> None:
    plan = compiled(CLINIC.replace("mappings:\n", "mappings:\n", 1))
    assert [(one.name, one.wave, one.depends_on) for one in plan.mappings] == [
        ("doctors", 0, ()),
        ("patients", 1, ("doctors",)),
    ]
    assert decode_compiled(encode_compiled(plan)) == plan
    source = plan.mapping("patients").source
    assert [(part.name, part.sql, part.type_name) for part in source.key] == [("k0", "p.id", "integer")]
    assert source.cut is Cut.INTEGERS
    assert not source.unique_proven
    assert source.driving_alias == "p"
    assert plan.mapping("doctors").source.unique_proven
    assert plan.mapping("patients").transform.encoding is Encoding.BINARY


@pytest.mark.parametrize(
    "clause",
    (
        "person AS p JOIN contact AS c ON c.person_id = p.id",
        "person AS p CROSS JOIN contact AS c",
        "(SELECT id, sex, doctor_id FROM person) AS p LEFT JOIN contact AS c ON c.person_id = p.id",
        "(person AS p JOIN contact AS k ON k.person_id = p.id) LEFT JOIN contact AS c ON c.person_id = p.id",
    ),
)
def test_counts_prove_a_key_only_where_no_join_can_drop_a_row(clause: str) -> None:
    assert drops_none(parse_one_select(PREFIX + clause, len(PREFIX))) is False


def test_only_columns_that_are_used_are_selected_and_the_rest_is_packed_without_what_is_excepted() -> None:
    source = compiled().mapping("patients").source
    assert [(column.alias, column.column) for column in source.columns] == [
        ("p", "id"),
        ("p", "sex"),
        ("p", "doctor_id"),
        ("c", "phone"),
        ("p", "notes"),
        ("p", "weight"),
        ("c", "id"),
        ("c", "person_id"),
        ("c", "is_primary"),
    ]
    assert "password" not in source.read_columns["legacy.person"]
    without_rest = compiled(CLINIC.replace("metadata: rest(except := ['password'])", "metadata: 'NULL'"))
    read_columns = without_rest.mapping("patients").source.read_columns
    assert read_columns == {
        "legacy.person": ("doctor_id", "id", "sex"),
        "legacy.contact": ("is_primary", "person_id", "phone"),
    }


def test_a_column_named_like_a_secret_is_not_packed_in_silence() -> None:
    (message,) = refused(CLINIC.replace("rest(except := ['password'])", "rest()"))
    assert message.endswith("rest() would copy p.password, named like a secret: write rest(except := ['password'])")
    named = CLINIC.replace("rest(except := ['password'])", "rest()").replace(
        "sex: codebook('sex', p.sex)", "sex: p.password"
    )
    assert ("p", "password") in [(one.alias, one.column) for one in compiled(named).mapping("patients").source.columns]


def test_a_reference_knows_its_table_its_column_and_who_enforces_it() -> None:
    (reference,) = compiled().mapping("patients").load.references
    assert (reference.column, str(reference.table), reference.referenced_column) == ("doctor_id", "app.doctors", "id")
    assert reference.enforced
    (loose,) = compiled(target=patients(foreign_keys=())).mapping("patients").load.references
    assert not loose.enforced


@pytest.mark.parametrize(
    ("change", "expected"),
    (
        ({}, False),
        ({"keys": (UniqueKey(name="u", columns=("phone",)),)}, True),
        ({"keys": (UniqueKey(name="u", columns=("legacy_id", "phone")),)}, False),
        ({"keys": (UniqueKey(name="u", columns=("id", "phone")),)}, False),
        ({"keys": (UniqueKey(name="u", columns=(), partial=True),)}, True),
    ),
)
def test_a_mapping_settles_in_order_only_where_rows_may_collide(change: dict[str, Any], expected: bool) -> None:
    target = patients(keys=(APP_PATIENTS.keys[0], *change["keys"])) if change else APP
    assert compiled(target=target).mapping("patients").load.in_seq_order is expected


def test_a_unique_column_that_is_declared_checked_loads_in_parallel() -> None:
    target = patients(keys=(UniqueKey(name="u", columns=("phone",)),))
    text = CLINIC.replace("unmapped:", "    unique: {phone: checked}\nunmapped:")
    assert not compiled(text, target=target).mapping("patients").load.in_seq_order


def test_rows_without_identity_are_cut_by_their_content_and_numbered_among_equals() -> None:
    text = CLINIC.replace("key: p.id", "key: content()").replace(
        "ref('doctors', p.doctor_id)", "ref('doctors', p.doctor_id)"
    )
    source = compiled(text).mapping("patients").source
    assert source.content_key
    assert source.cut is Cut.STREAM
    assert [part.sql for part in source.key] == ["row_number() over (partition by q.h)"]
    assert [part.sql for part in source.cut_key] == ["q.h"]
    assert source.columns[0].sql == "q.c0"
    assert source.from_sql.startswith('(select md5(row(("p"."id")::text, ')


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    (
        (
            "person AS p",
            "persn AS p",
            "plan.yml:19:7: there is no table legacy.persn in the legacy database (did you mean 'person'?)",
        ),
        (
            "c.is_primary",
            "c.primry",
            "plan.yml:20:56: table legacy.contact has no column 'primry' (did you mean 'is_primary'?)",
        ),
        ("p.sex)", "p.sexx)", "plan.yml:25:28: 'p' has no column 'sexx' (did you mean 'sex'?)"),
        ("key: p.id", "key: p.idd", "plan.yml:21:10: 'p' has no column 'idd' (did you mean 'id'?)"),
        (
            "into: patients",
            "into: patiens",
            "plan.yml:17:11: there is no table app.patiens in the target (did you mean 'patients'?)",
        ),
        ("phone: phone(", "phones: phone(", "plan.yml:27:15: table app.patients has no column 'phones'"),
        ("key: p.id", "key: p.weight", "plan.yml:21:10: a key of type double precision has no text that is the same"),
        (
            "['password']",
            "['password', 'pasword']",
            "plan.yml:28:17: except names 'pasword', which is no column of `from` (did you mean 'password'?)",
        ),
        ("c.is_primary\n", "c = p\n", "plan.yml:20:56: 'c' is a whole row: name the columns"),
    ),
)
def test_what_the_databases_do_not_have_is_said_before_a_row_moves(old: str, new: str, expected: str) -> None:
    assert refused(CLINIC.replace(old, new, 1))[0].startswith(expected)


def test_every_legacy_table_is_read_or_listed_and_what_is_listed_exists() -> None:
    (message,) = refused(CLINIC.replace("unmapped: {session: sessions do not move}\n", ""))
    assert message == "plan.yml:1:1: neither read by a mapping nor listed under `unmapped` with a reason: session"
    found = refused(CLINIC.replace("unmapped: {session: sessions do not move}", "unmapped:\n  session: x\n  sesion: y"))
    assert found == [
        "plan.yml:31:3: `unmapped` names 'sesion', which is no table of schema 'legacy' (did you mean 'session'?)"
    ]


def test_a_column_that_must_have_a_value_needs_a_source() -> None:
    (message,) = refused(target=with_column(Column(name="tenant", type=TEXT, not_null=True)))
    assert message.endswith("column 'tenant' of app.patients is NOT NULL without a default: it needs an expression")
    defaulted = compiled(target=with_column(Column(name="tenant", type=TEXT, not_null=True, has_default=True)))
    assert "tenant" not in defaulted.mapping("patients").load.columns


def test_a_generated_column_is_not_written() -> None:
    columns = tuple(
        msgspec.structs.replace(column, generated=column.name == "phone") for column in APP_PATIENTS.columns
    )
    (message,) = refused(target=patients(columns=columns))
    assert message.endswith("column 'phone' of app.patients is generated by the target")


def test_user_triggers_of_the_target_are_decided() -> None:
    target = patients(triggers=(TOUCH,))
    (message,) = refused(target=target)
    assert message.endswith("trigger 'touch' of app.patients is undecided: triggers: {touch: keep | off}")
    text = CLINIC.replace("unmapped:", "    triggers: {touch: off}\nunmapped:")
    assert compiled(text, target=target).mapping("patients").load.triggers_off == ("touch",)
    (message,) = refused(text.replace("touch: off", "touhc: off"), target=patients())
    assert message.endswith("`triggers` names 'touhc', which app.patients has not")


def test_a_key_is_written_to_a_column_that_can_hold_it() -> None:
    columns = (Column(name="id", type=INTEGER, not_null=True), *APP_PATIENTS.columns[1:])
    (message,) = refused(target=patients(columns=columns))
    assert message.endswith("column 'id' of app.patients is integer, a key is a uuid")


def test_a_sum_is_proven_only_where_it_is_exact() -> None:
    columns = (*APP_PATIENTS.columns, Column(name="balance", type=FLOAT))
    text = CLINIC.replace("metadata:", "balance: p.weight\n      metadata:").replace(
        "unmapped:", "    proof: {sum: [balance]}\nunmapped:"
    )
    assert any("which has no exact sum" in message for message in refused(text, target=patients(columns=columns)))


FOLLOWING = CLINIC.replace("unmapped:", "    follows: {guide: \"ref('doctors', p.doctor_id)\"}\nunmapped:", 1)


def test_what_is_followed_is_computed_and_judged_and_is_no_column_of_the_target() -> None:
    patients = compiled(FOLLOWING).mapping("patients")
    assert patients.load.follows == ("guide",)
    assert "guide" not in patients.load.columns
    assert [(column.name, column.oid) for column in patients.transform.target_columns][-1] == ("guide", 2950)
    (guide,) = [one for one in patients.load.references if one.column == "guide"]
    assert (guide.mapping, guide.enforced) == ("doctors", False)
    assert "guide refers to doctors (checked by the loader)" in explanation_text(explain(compiled(FOLLOWING)))


def test_what_rules_name_and_what_is_followed_is_packed_listed_in_the_lineage_and_read_once() -> None:
    text = (
        CLINIC.replace("      doctor_id: ref('doctors', p.doctor_id)\n", "")
        .replace("rest(except := ['password'])", "rest(except := ['password'], also := ['sex'])")
        .replace(
            "unmapped:", "    follows: {guide: \"ref('doctors', p.doctor_id)\"}\n    keep: p.notes <> ''\nunmapped:", 1
        )
    )
    plan = compiled(text)
    patients = plan.mapping("patients")
    assert {"doctor_id", "notes", "sex"} <= set(patients.transform.packed)
    read_columns = [(column.alias, column.column) for column in patients.source.columns]
    assert len(read_columns) == len(set(read_columns))
    (line,) = [one for one in lineage(read(text), plan) if (one.mapping, one.column) == ("patients", "metadata")]
    assert {"doctor_id", "notes", "sex"} <= {one.column for one in line.sources}


def test_what_is_named_like_a_secret_is_packed_where_it_is_asked_for_by_name() -> None:
    text = CLINIC.replace("rest(except := ['password'])", "rest(also := ['p.password'])")
    assert "password" in compiled(text).mapping("patients").transform.packed
    (message,) = refused(
        CLINIC.replace("rest(except := ['password'])", "rest(also := ['pasword'], except := 'password')")
    )
    assert "also names 'pasword', which is no column of `from`" in message


def test_what_the_target_has_a_column_for_is_not_followed() -> None:
    (message,) = refused(FOLLOWING, target=with_column(Column(name="guide", type=UUID)))
    assert message.endswith("has a column 'guide': list it under `columns`, or choose another name")


def test_null_it_needs_a_column_that_takes_null() -> None:
    columns = tuple(
        msgspec.structs.replace(column, not_null=column.name == "doctor_id") for column in APP_PATIENTS.columns
    )
    text = CLINIC.replace("unmapped:", "    missing_parent: {doctor_id: null_it}\nunmapped:")
    (message,) = refused(text, target=patients(columns=columns))
    assert message.endswith("missing_parent: 'doctor_id' is NOT NULL in app.patients, null_it cannot be")


def test_columns_that_differ_only_in_case_are_not_read_together() -> None:
    legacy = catalog(
        "legacy",
        *(one for name, one in LEGACY.tables.items() if name != "doctor"),
        Table(
            name=LEGACY.tables["doctor"].name,
            kind="r",
            columns=(*LEGACY.tables["doctor"].columns, Column(name="NAME", type=TEXT)),
        ),
    )
    text = CLINIC.replace("name: clean(d.name)", 'name: d.name || d.\\"NAME\\"'.replace("\\", ""))
    with pytest.raises(PlanRefused, match="differ only in case"):
        compile_plan(read(text), legacy, APP, DESCRIBED, transfuse_version="0")


def test_the_server_is_asked_only_for_what_the_catalogue_does_not_tell() -> None:
    asked = describe_statements(
        read(CLINIC.replace("from: doctor d", "from: (SELECT o.id, o.name FROM doctor o) AS d"))
    )
    assert asked == {
        "doctors": {
            "d": 'select "d".* from (SELECT o.id, o.name FROM "legacy".doctor AS o) AS d limit 0',
            "": 'select d.id as k0 from (SELECT o.id, o.name FROM "legacy".doctor AS o) AS d limit 0',
        },
        "patients": {
            "": 'select p.id as k0 from "legacy".person AS p LEFT JOIN "legacy".contact AS c'
            " ON c.person_id = p.id AND c.is_primary limit 0"
        },
    }  # fmt: skip


def test_a_subquery_has_the_columns_that_the_server_described() -> None:
    text = CLINIC.replace("from: doctor d", "from: (SELECT o.id, o.name FROM doctor o) AS d")
    described = {**DESCRIBED, "doctors": {"": {"k0": INTEGER}, "d": {"id": INTEGER, "name": TEXT}}}
    source = compiled(text, described=described).mapping("doctors").source
    assert [column.column for column in source.columns] == ["name"]
    assert source.read_columns == {"legacy.doctor": ("id", "name")}


def test_an_explanation_shows_the_order_the_sql_of_both_sides_and_what_is_read() -> None:
    explanation = explain(compiled())
    text = explanation_text(explanation)
    assert "2. patients -> app.patients (wave 1, after doctors)" in text
    assert "reads legacy.contact: id, is_primary, person_id, phone" in text
    assert "rest() packs" in text
    assert "doctor_id refers to doctors (enforced)" in text
    assert b'"source_sql"' in explanation.json()


def test_lineage_names_source_columns_functions_and_references() -> None:
    lines = {line.column: line for line in lineage(read(CLINIC), compiled()) if line.mapping == "patients"}
    assert [(one.table, one.column) for one in lines["sex"].sources] == [("legacy.person", "sex")]
    assert (lines["sex"].functions, lines["sex"].codebooks) == (("codebook",), ("sex",))
    assert lines["doctor_id"].refers_to == ("doctors",)
    assert lines["id"].sources == ()
    assert "notes" in [one.column for one in lines["metadata"].sources]


def test_legacy_and_plan_problems_come_before_the_server_is_asked() -> None:
    with pytest.raises(PlanRefused, match=r"no table legacy\.persn"):
        check_sources(read(CLINIC.replace("person AS p", "persn AS p")), LEGACY)


def test_a_table_with_children_does_not_prove_its_key() -> None:
    parent = msgspec.structs.replace(LEGACY.tables["doctor"], children=(table("legacy", "old", {}).name,))
    legacy = Catalog(server_version=150000, schema="legacy", tables={**LEGACY.tables, "doctor": parent})
    plan = compile_plan(read(CLINIC), legacy, APP, DESCRIBED, transfuse_version="0")
    assert not plan.mapping("doctors").source.unique_proven


def test_types_of_the_rest_of_the_world_are_text() -> None:
    mood = ColumnType(oid=77777, typmod=-1, name="legacy.mood", kind="e", labels=("ok",))
    legacy = Catalog(
        server_version=150000,
        schema="legacy",
        tables={**LEGACY.tables, "doctor": table("legacy", "doctor", {"id": UUID, "name": mood})},
    )
    plan = compile_plan(read(CLINIC), legacy, APP, {**DESCRIBED, "doctors": {"": {"k0": UUID}}}, transfuse_version="0")
    source = plan.mapping("doctors").source
    assert [column.duck_type for column in source.columns] == ["VARCHAR"]
    assert source.cut is Cut.RANGES
