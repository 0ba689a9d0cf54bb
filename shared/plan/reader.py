"""A plan file or folder as a `Plan`: read, decoded, and everything wrong with its form said at once."""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path

from shared.plan.codebooks import codebook_path, is_inside, read_codebook
from shared.plan.fields import Fields, fields_of, named_texts
from shared.plan.include import MAIN, included, included_names, main_file
from shared.plan.mappings import check_name, read_mapping
from shared.plan.model import Codebook, Mapping, Plan, Retired
from shared.plan.position import PlanRefused, Position, Problem
from shared.plan.report import Report
from shared.plan.yaml_document import YamlMapping, YamlScalar, read_yaml

VERSION = "1"
SECRET = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def read_plan(path: Path) -> Plan:
    """Read a plan file, or the `plan.yml` of a folder. Raises PlanRefused with every problem of its form."""
    return plan_of_files(plan_files(path))


def plan_files(path: Path) -> dict[str, str]:
    """The plan, its included files and their code books, by path relative to its folder. Raises PlanRefused."""
    main = path / MAIN if path.is_dir() else path
    folder = main.parent.resolve()
    files = {main.name: read_file(main, main.name)}
    root = read_yaml(files[main.name], main.name, Report({}))
    for part in included_names(root):
        add_file(files, folder, part.value)
    for book in [book for file in list(files) for book in named_codebooks(files[file], file)]:
        add_file(files, folder, book)
    return files


def named_files(files: dict[str, str]) -> set[str]:
    """The files that a plan names, its own included, as far as they can be read."""
    main = main_file(files)
    root = read_yaml(files.get(main, ""), main, Report({}))
    parts = [main, *(part.value for part in included_names(root) if part.value in files)]
    return {*parts, *(book for part in parts if part in files for book in named_codebooks(files[part], part))}


def add_file(files: dict[str, str], folder: Path, name: str) -> None:
    """Read a file that a plan names, if it is there and lies in the plan's folder."""
    found = (folder / name).resolve()
    if name not in files and is_inside(name) and found.is_relative_to(folder) and found.is_file():
        files[name] = read_file(found, name)


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


def named_codebooks(text: str, file: str) -> list[str]:
    """The code books that a file of a plan names, as far as it can be read."""
    root = read_yaml(text, file, Report({}))
    books = root.get("codebooks") if isinstance(root, YamlMapping) else None
    if not isinstance(books, YamlMapping):
        return []
    paths = [codebook_path(book) for _, book in books.entries if isinstance(book, YamlMapping)]
    return list(dict.fromkeys(path.value for path in paths if path is not None))


def plan_of_files(files: dict[str, str]) -> Plan:
    """The plan of the files that `plan_files` gives. Raises PlanRefused with every problem of its form."""
    report = Report(files)
    main = main_file(files)
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
    fields.later("people", "patient matching")
    parts = [fields, *included(fields, files, report)]
    plan = Plan(
        name="" if name is None else name.value,
        namespace=namespace,
        namespace_secret=secret,
        keys=fields.choice("keys", ("uuid5", "uuid8"), "uuid5"),
        source_schema=read_schema(fields, "source"),
        target_schema=read_schema(fields, "target"),
        codebooks=read_codebooks(parts, files),
        mappings=read_mappings(parts),
        unmapped=read_unmapped(parts),
        retired=read_retired(parts),
        functions=tuple(text.value for text in fields.texts("functions")),
        files=files,
        hash=plan_hash(files),
    )
    for part in parts:
        part.done()
    return plan


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


def read_codebooks(parts: list[Fields], files: dict[str, str]) -> dict[str, Codebook]:
    """The code books of all parts by name."""
    found: dict[str, Codebook] = {}
    for part in parts:
        for key, node in part.entries("codebooks"):
            book = read_codebook(key, node, files, part.report)
            if key.value in found:
                part.report.problem(key.position, f"code book {key.value!r} is there twice")
            elif book is not None:
                found[book.name] = book
    return found


def read_mappings(parts: list[Fields]) -> tuple[Mapping, ...]:
    """The mappings of all parts, their names unlike each other."""
    report = parts[0].report
    items = [item for part in parts for item in part.items("mappings", required=len(parts) == 1)]
    found = [mapping for item in items if (mapping := read_mapping(item, report)) is not None]
    for what, names in (("name", [one.name for one in found]), ("key_domain", [one.key_domain for one in found])):
        for index, mapping in enumerate(found):
            if names[index] in names[:index]:
                report.problem(mapping.position, f"{what} {names[index]!r} belongs to another mapping already")
    return tuple(found)


def read_unmapped(parts: list[Fields]) -> dict[str, str]:
    """The tables that no mapping drives, each with its reason."""
    found: dict[str, str] = {}
    for part in parts:
        for table, why in named_texts(part.entries("unmapped"), part.report):
            if table.value in found:
                part.report.problem(table.position, f"table {table.value!r} is listed twice")
            found[table.value] = why.value
    return found


def read_retired(parts: list[Fields]) -> tuple[Retired, ...]:
    """The columns of the target that nothing may fill any more, each with its reason."""
    found: list[Retired] = []
    for part in parts:
        for name, why in named_texts(part.entries("retired"), part.report):
            table, dot, column = name.value.partition(".")
            if not (table and dot and column):
                part.report.problem(name.position, "a retired column is written table.column")
            elif any((one.table, one.column) == (table, column) for one in found):
                part.report.problem(name.position, f"{name.value!r} is retired twice")
            else:
                found.append(Retired(table=table, column=column, reason=why.value, position=name.position))
    return tuple(found)
