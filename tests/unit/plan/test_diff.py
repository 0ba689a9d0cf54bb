"""The difference between two plans: what is said, and which change gives rows other keys."""

from __future__ import annotations

import pytest

from shared.plan.diff import Kind, PlanDiff, diff_plans
from shared.plan.diff_text import diff_text
from shared.plan.model import Mapping, Plan
from tests.planning import CLINIC, read


def diff(old: str, new: str) -> PlanDiff:
    return diff_plans(read(old), read(new))


def changed(old: str, new: str) -> PlanDiff:
    """The difference that replacing a text of the clinic's plan makes."""
    assert old in CLINIC
    return diff(CLINIC, CLINIC.replace(old, new))


def test_comments_and_layout_make_no_difference() -> None:
    same = diff(CLINIC, CLINIC.replace("key: d.id", "# what tells one doctor from another\n    key:   d.id"))
    assert same.same
    assert "both do the same" in diff_text(same)


def test_an_expression_that_changed_is_shown_with_both_texts_and_alters_no_key() -> None:
    found = changed("clean(d.name)", "d.name")
    (part,) = found.mappings
    assert (part.name, part.kind, found.warnings) == ("doctors", Kind.CHANGED, ())
    assert "    ~ column name: clean(d.name) -> d.name\n" in diff_text(found)


def test_a_mapping_that_keeps_its_key_domain_under_another_name_was_renamed() -> None:
    renamed = CLINIC.replace("- name: doctors", "- name: physicians\n    key_domain: doctors").replace(
        "ref('doctors'", "ref('physicians'"
    )
    found = diff(CLINIC, renamed)
    first, second = found.mappings
    assert (first.name, first.old_name, first.kind, first.changes) == ("physicians", "doctors", Kind.RENAMED, ())
    assert [change.what for change in second.changes] == ["column doctor_id"]
    assert found.warnings == ()


def test_a_mapping_under_another_name_and_domain_is_another_mapping() -> None:
    found = changed("- name: doctors", "- name: physicians")
    assert [(part.name, part.kind) for part in found.mappings] == [
        ("physicians", Kind.ADDED),
        ("doctors", Kind.REMOVED),
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    (
        ("8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10", "8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f11", "every row of every mapping"),
        ("name: clinic\n", "name: clinic\nkeys: uuid8\n", "every row of every mapping"),
        ("key: d.id", "key: d.name", "mapping doctors: key changed"),
        ("into: doctors", "into: doctors\n    key_domain: physicians", "mapping doctors: key_domain changed"),
    ),
)
def test_what_gives_rows_other_keys_is_warned_of(old: str, new: str, said: str) -> None:
    found = changed(old, new)
    (warning,) = found.warnings
    assert said in warning
    assert f"! {warning}\n" in diff_text(found)


def test_where_the_row_is_the_key_every_expression_makes_it() -> None:
    content = CLINIC.replace("key: d.id", "key: content()").replace(
        "      doctor_id: ref('doctors', p.doctor_id)\n", ""
    )
    (warning,) = diff(content, content.replace("clean(d.name)", "d.name")).warnings
    assert "mapping doctors: column name changed" in warning


def test_codes_and_reasons_are_compared_one_by_one() -> None:
    found = changed("{M: male, F: female", "{M: man, X: other")
    (book,) = found.codebooks
    assert [(change.what, change.kind) for change in book.changes] == [
        ("code M", Kind.CHANGED),
        ("code F", Kind.REMOVED),
        ("code X", Kind.ADDED),
    ]
    (reason,) = changed("session: sessions do not move", "session: nobody needs them").unmapped
    assert (reason.what, reason.old, reason.new) == ("session", "sessions do not move", "nobody needs them")


@pytest.mark.parametrize(
    ("line", "what"),
    (
        ("missing_parent: {doctor_id: null_it}", "missing_parent doctor_id"),
        ("bad_value: {phone: keep_aside}", "bad_value phone"),
        ("keep: p.id > 0", "keep"),
        ("required: [sex]", "required sex"),
        ("clear: [sex]", "clear sex"),
        ("rules: [{name: adult, check: sex IS NOT NULL, else: warn}]", "rule adult"),
        ("quarantine_limit: {rows: 5, share: 2%}", "quarantine_limit"),
        ("triggers: {touch: off}", "trigger touch"),
        ("excludes: expected", "excludes"),
        ("follows: {boss: \"ref('doctors', p.doctor_id)\"}", "follows boss"),
        ("unique: {legacy_id: checked}", "unique legacy_id"),
        ("proof: {sum: [legacy_id]}", "proof legacy_id"),
        ("placeholder: {columns: {sex: other}}", "placeholder sex"),
        ("accounts: {from_hash: none}", "accounts"),
        ("gone: remove", "gone"),
        ("changed: target_wins", "changed"),
    ),
)
def test_every_policy_of_a_mapping_is_compared(line: str, what: str) -> None:
    (part,) = changed("unmapped:", f"    {line}\nunmapped:").mappings
    assert [change.what for change in part.changes] == [what]


def test_a_part_of_the_language_that_is_new_must_be_compared_too() -> None:
    compared = {
        "into", "from_", "key", "content_key", "key_domain", "excludes_expected", "keep", "columns", "follows",
        "missing_parent", "bad_value", "rules", "required", "clear", "proof_sums", "unique_checked", "quarantine_limit",
        "triggers", "functions", "placeholder", "accounts", "gone", "changed", "thresholds",
    }  # fmt: skip
    assert set(Mapping.__struct_fields__) == compared | {"name", "position"}
    of_plan = {
        "name", "namespace", "namespace_secret", "keys", "source_schema", "target_schema", "codebooks", "mappings",
        "unmapped", "retired", "functions",
    }  # fmt: skip
    assert set(Plan.__struct_fields__) == of_plan | {"files", "hash"}
