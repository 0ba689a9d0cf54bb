"""A plan file or folder as a `Plan`: read, decoded, and everything wrong with its form said at once."""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path

from shared.plan.codebooks import codebook_path, is_inside, read_codebook
from shared.plan.fields import Fields, fields_of, named_texts
from shared.plan.mappings import check_name, read_mapping
from shared.plan.model import Codebook, Mapping, Plan
from shared.plan.position import PlanRefused, Position, Problem
from shared.plan.report import Report
from shared.plan.yaml_document import YamlMapping, YamlScalar, read_yaml

MAIN = "plan.yml"
VERSION = "1"
SECRET = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def read_plan(path: Path) -> Plan:
    """Read a plan file, or the `plan.yml` of a folder. Raises PlanRefused with every problem of its form."""
    return plan_of_files(plan_files(path))


def plan_files(path: Path) -> dict[str, str]:
    """The plan and the code books that it names, by path relative to its folder, the plan first. Raises PlanRefused."""
    main = path / MAIN if path.is_dir() else path
    folder = main.parent.resolve()
    files = {main.name: read_file(main, main.name)}
    for name in named_files(files[main.name], main.name):
        found = (folder / name).resolve()
        if is_inside(name) and found.is_relative_to(folder) and found.is_file():
            files[name] = read_file(found, name)
    return files


def read_file(path: Path, name: str) -> str:
    """The canonical text of a file: UTF-8 without byte order mark, lines ended by LF. Raises PlanRefused."""
    here = Position(file=name, line=1, column=1)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PlanRefused([Problem(position=here, message=f"cannot be read: {error.strerror}")]) from error
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad = Problem(position=Position(file=name, line=line, column=1), message="this line is not UTF-8")
        raise PlanRefused([bad]) from error
    return canonical_text(text)


def canonical_text(text: str) -> str:
    """A file's text without byte order mark, lines ended by LF: what is hashed, so that one plan has one hash."""
    return text.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n").replace("\r", "\n")


def named_files(text: str, file: str) -> list[str]:
    """The files that a plan names, as far as it can be read."""
    root = read_yaml(text, file, Report({}))
    books = root.get("codebooks") if isinstance(root, YamlMapping) else None
    if not isinstance(books, YamlMapping):
        return []
    paths = [codebook_path(book) for _, book in books.entries if isinstance(book, YamlMapping)]
    return list(dict.fromkeys(path.value for path in paths if path is not None))


def plan_of_files(files: dict[str, str]) -> Plan:
    """The plan of the files that `plan_files` gives. Raises PlanRefused with every problem of its form."""
    report = Report(files)
    main = next((name for name in files if name.endswith((".yml", ".yaml"))), MAIN)
    root = read_yaml(files.get(main, ""), main, report)
    fields = None if root is None else fields_of(root, "a plan", report)
    plan = None if fields is None else decode_plan(fields, files, report)
    report.refuse()
    if plan is None:
        raise AssertionError
    return plan


def plan_hash(files: dict[str, str]) -> str:
    """SHA-256 over names and canonical contents of a plan's files, in hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name].encode()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def decode_plan(fields: Fields, files: dict[str, str], report: Report) -> Plan:
    """The plan; if anything is wrong, the report says so and what is given back is not to be used."""
    version = fields.text("transfuse", required=True)
    if version is not None and version.value != VERSION:
        report.problem(version.position, "this version reads plans of language version 1")
    name = fields.text("name", required=True)
    if name is not None:
        check_name(name, "a plan", report)
    namespace, secret = read_namespace(fields)
    refuse_later(fields)
    books = [read_codebook(key, node, files, report) for key, node in fields.entries("codebooks")]
    plan = Plan(
        name="" if name is None else name.value,
        namespace=namespace,
        namespace_secret=secret,
        source_schema=read_schema(fields, "source"),
        target_schema=read_schema(fields, "target"),
        codebooks={book.name: book for book in books if isinstance(book, Codebook)},
        mappings=read_mappings(fields),
        unmapped={table.value: why.value for table, why in named_texts(fields.entries("unmapped"), report)},
        functions=tuple(text.value for text in fields.texts("functions")),
        files=files,
        hash=plan_hash(files),
    )
    fields.done()
    return plan


def refuse_later(fields: Fields) -> None:
    """Parts of the language that are known and not done by this version."""
    fields.later("people", "patient matching")
    fields.later("include", "including other plans")
    fields.later("accounts", "making accounts")
    if fields.choice("keys", ("uuid5", "uuid8"), "uuid5") == "uuid8":
        fields.report.later(fields.key_position("keys"), "keys ordered by an integer (uuid8)")


def read_namespace(fields: Fields) -> tuple[str, str]:
    """The namespace as canonical UUID, or the name of the secret that holds it; the other is empty."""
    node = fields.required("namespace")
    if isinstance(node, YamlMapping):
        secret = Fields(node, "'namespace'", fields.report)
        name = secret.text("secret", required=True)
        secret.done()
        if name is not None and not SECRET.fullmatch(name.value):
            fields.report.problem(name.position, "the name of a secret is written in capital letters, digits and '_'")
        return "", "" if name is None else name.value
    if isinstance(node, YamlScalar):
        try:
            return str(uuid.UUID(node.value)), ""
        except ValueError:
            fields.report.problem(node.position, "'namespace' is a UUID, or {secret: NAME}")
    return "", ""


def read_schema(fields: Fields, name: str) -> str:
    """The schema of a database, `public` unless the plan says otherwise."""
    database = fields.fields(name)
    if database is None:
        return "public"
    schema = database.text("schema", required=True)
    database.done()
    return "public" if schema is None else schema.value


def read_mappings(fields: Fields) -> tuple[Mapping, ...]:
    """All mappings, their names unlike each other."""
    items = fields.items("mappings", required=True)
    found = [mapping for item in items if (mapping := read_mapping(item, fields.report)) is not None]
    for what, names in (("name", [one.name for one in found]), ("key_domain", [one.key_domain for one in found])):
        for index, mapping in enumerate(found):
            if names[index] in names[:index]:
                fields.report.problem(mapping.position, f"{what} {names[index]!r} belongs to another mapping already")
    return tuple(found)
