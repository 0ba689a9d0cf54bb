from __future__ import annotations

from pathlib import Path

import pytest

from shared.plan.model import BadValue, MissingParent, RuleElse
from shared.plan.position import PlanRefused
from shared.plan.reader import plan_files, plan_hash, plan_of_files, read_plan
from tests.planning import CLINIC, HEAD, files, problems, read

EVERYTHING = (
    HEAD
    + """\
codebooks:
  sex: {from: sex.csv, otherwise: {value: other}}
  way: {from: origin, to: goal, otherwise: elsewhere}
mappings:
  - name: visits
    key_domain: visit
    into: visits
    from: visit v
    key: [v.site, v.number]
    excludes: expected
    keep: v.deleted IS NULL
    columns:
      id: key()
      note: {value: "'imported'", invented: true}
      extra: rest()
    missing_parent: {doctor_id: null_it, site_id: {absent: filter_too, default: fail_run}}
    bad_value: {note: keep_aside}
    rules:
      - {name: dated, check: "note IS NOT NULL", else: warn}
    required: [note]
    clear: [note]
    proof: {sum: [note]}
    unique: {note: checked}
    quarantine_limit: {rows: 5, share: 2.5%}
    triggers: {touch: off}
    functions: [public.pure]
unmapped: {session: they end}
functions: [other]
"""
)


def refused(text: str, **books: str) -> list[str]:
    with pytest.raises(PlanRefused) as refusal:
        read(text, **books)
    return problems(refusal.value)


def test_every_part_of_the_language_is_read() -> None:
    plan = read(EVERYTHING, sex="code,value\nM,male\n")
    (mapping,) = plan.mappings
    assert plan.codebooks["sex"].meanings == {"M": "male"}
    assert (plan.codebooks["sex"].otherwise, plan.codebooks["sex"].warn) == ("other", True)
    assert plan.codebooks["way"].meanings == {"from": "origin", "to": "goal", "otherwise": "elsewhere"}
    assert mapping.key_domain == "visit"
    assert [part.value for part in mapping.key] == ["v.site", "v.number"]
    assert mapping.excludes_expected
    assert [(column.column, column.expression.value, column.invented) for column in mapping.columns] == [
        ("id", "key()", False),
        ("note", "'imported'", True),
        ("extra", "rest()", False),
    ]
    assert mapping.missing_parent["doctor_id"].default is MissingParent.NULL_IT
    assert mapping.missing_parent["site_id"].absent is MissingParent.FILTER_TOO
    assert mapping.bad_value == {"note": BadValue.KEEP_ASIDE}
    assert mapping.rules[0].otherwise is RuleElse.WARN
    assert (mapping.quarantine_limit.rows, mapping.quarantine_limit.share) == (5, 0.025)
    assert mapping.triggers == {"touch": "off"}
    assert mapping.functions == ("public.pure",)
    assert plan.unmapped == {"session": "they end"}


def test_codes_that_look_like_other_types_stay_text() -> None:
    assert set(read(CLINIC).codebooks["sex"].meanings) == {"M", "F", "NO", "on", "010", "1_000", "2020-01-01"}


def test_all_problems_of_a_plan_are_said_at_once_each_at_its_place() -> None:
    text = (
        CLINIC.replace("into: doctors", "inot: doctors").replace("key: d.id", "keys: d.id").replace("name: clinic", "")
    )
    assert refused(text) == [
        "plan.yml:1:1: a plan needs 'name'",
        "plan.yml:9:5: mapping 'doctors' needs 'into'",
        "plan.yml:9:5: mapping 'doctors' needs 'key'",
        "plan.yml:10:5: 'inot' is not a key of mapping 'doctors' (did you mean 'into'?)",
        "plan.yml:12:5: 'keys' is not a key of mapping 'doctors' (did you mean 'key'?)",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    (("people: {mapping: patients}", "patient matching is not part of this version"),),
)
def test_parts_of_later_versions_are_known_and_refused(line: str, expected: str) -> None:
    (problem,) = refused(CLINIC + line + "\n")
    assert problem.endswith(f": {expected}")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    (
        ("transfuse: 1", "transfuse: 2", "plan.yml:1:12: this version reads plans of language version 1"),
        ("namespace: 8a3c", "namespace: xxxx", "plan.yml:3:12: 'namespace' is a UUID, or {secret: NAME}"),
        (
            "source: {schema: legacy}",
            "source: legacy",
            "plan.yml:4:9: 'source' of a plan is a mapping of keys to values",
        ),
        ("key: d.id", "key: []", "plan.yml:12:10: a key has at least one part"),
        ("key: d.id", "key:", "plan.yml:12:9: 'key' is empty"),
        (
            "key: d.id",
            "key: d.id\n    excludes: some",
            "plan.yml:13:15: 'excludes' is one of none, expected",
        ),
        (
            "key: d.id",
            "key: d.id\n    quarantine_limit: {share: 200%}",
            "plan.yml:13:31: 'share' is a percentage such as 1%, or a number from 0 to 1",
        ),
        ("name: patients", "name: doctors", "plan.yml:16:11: name 'doctors' belongs to another mapping already"),
        ("M: male", "M:", "plan.yml:7:11: the meaning of code 'M' is missing: put it in quotes if it is a text"),
    ),
)
def test_a_wrong_value_is_refused_at_its_place(old: str, new: str, expected: str) -> None:
    assert expected in refused(CLINIC.replace(old, new, 1))


def test_a_namespace_may_be_a_secret() -> None:
    plan = read(CLINIC.replace("8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10", "{secret: CLINIC_KEYS}"))
    assert (plan.namespace, plan.namespace_secret) == ("", "CLINIC_KEYS")


@pytest.mark.parametrize(
    ("book", "expected"),
    (
        ("code,value\nM,male\nF,female\nM,man\n", "sex.csv:4:1: code 'M' is repeated: it stands already in line 2"),
        ("code,meaning\nM,male\n", "sex.csv:1:1: a code book begins with the line code,value or code,value,comment"),
        ("code,value\nM,male,x\n", "sex.csv:2:1: 3 fields instead of 2"),
        ("code,value\nM,\n", "sex.csv:2:1: code 'M' has no value"),
        ('code,value\n"M,male\n', "sex.csv:2:1: broken CSV: unexpected end of data"),
    ),
)
def test_a_broken_code_book_is_refused_at_its_line(book: str, expected: str) -> None:
    assert expected in refused(EVERYTHING, sex=book)


@pytest.mark.parametrize("path", ("../sex.csv", "/etc/sex.csv", "a/../../sex.csv"))
def test_a_code_book_stays_in_the_plans_folder(path: str, tmp_path: Path) -> None:
    (tmp_path / "sex.csv").write_text("code,value\nM,male\n")
    folder = tmp_path / "plan"
    folder.mkdir()
    (folder / "plan.yml").write_text(EVERYTHING.replace("sex.csv", path))
    with pytest.raises(PlanRefused, match="lies in the plan's folder"):
        read_plan(folder)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("code,value\nM,male\n")
    folder = tmp_path / "plan"
    folder.mkdir()
    (folder / "sex.csv").symlink_to(tmp_path / "outside.csv")
    (folder / "plan.yml").write_text(EVERYTHING)
    with pytest.raises(PlanRefused, match="there is no file"):
        read_plan(folder)


def test_a_folder_and_its_file_are_the_same_plan_and_hash_alike_whatever_ends_their_lines(tmp_path: Path) -> None:
    (tmp_path / "sex.csv").write_bytes(b"code,value\r\nM,male\r\n")
    (tmp_path / "plan.yml").write_bytes(b"\xef\xbb\xbf" + EVERYTHING.replace("\n", "\r\n").encode())
    plan = read_plan(tmp_path)
    assert plan == read_plan(tmp_path / "plan.yml")
    assert plan.hash == plan_hash(files(EVERYTHING, sex="code,value\nM,male\n"))
    assert plan_of_files(dict(reversed(plan_files(tmp_path).items()))).hash == plan.hash


def test_the_hash_changes_with_any_file() -> None:
    before = read(EVERYTHING, sex="code,value\nM,male\n").hash
    assert read(EVERYTHING, sex="code,value\nM,man\n").hash != before
    assert read(EVERYTHING + "# note\n", sex="code,value\nM,male\n").hash != before


def test_a_file_that_is_not_utf_8_is_refused_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_bytes(b"transfuse: 1\nname: caf\xe9\n")
    with pytest.raises(PlanRefused, match=r"plan.yml:2:1: this line is not UTF-8"):
        read_plan(tmp_path)


def test_a_missing_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused, match="cannot be read"):
        read_plan(tmp_path)
