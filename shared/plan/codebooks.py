"""Code books: written in the plan, or as CSV beside it (`code,value,comment`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import PurePosixPath

from shared.plan.fields import Fields, fields_of, text_of
from shared.plan.model import Codebook, Text
from shared.plan.position import Position
from shared.plan.report import Report
from shared.plan.yaml_document import YamlMapping, YamlNode, YamlScalar

HEADERS = (["code", "value"], ["code", "value", "comment"])


def read_codebook(name: YamlScalar, node: YamlNode, files: dict[str, str], report: Report) -> Codebook | None:
    """One code book of the plan, with its meanings from the plan or from its file."""
    fields = fields_of(node, f"code book {name.value!r}", report)
    if fields is None:
        return None
    path = codebook_path(fields.node)
    otherwise, warn = read_otherwise(fields)
    if path is None:
        meanings = inline_meanings(fields, report)
    else:
        fields.take("from")
        fields.done()
        meanings = file_meanings(path, files, report)
    if not meanings and (path is None or path.value in files):
        report.problem(name.position, f"code book {name.value!r} has no codes")
    return Codebook(name=name.value, position=name.position, meanings=meanings, otherwise=otherwise, warn=warn)


def codebook_path(node: YamlMapping) -> Text | None:
    """The file that a code book names: `from` with a name that ends in `.csv`; any other `from` is a code."""
    found = node.get("from")
    if isinstance(found, YamlScalar) and found.value.endswith(".csv"):
        return Text(value=found.value, position=found.position)
    return None


def is_inside(path: str) -> bool:
    """Whether a relative path stays in the folder of its plan, as far as its text tells."""
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and "\\" not in path and ":" not in path


def read_otherwise(fields: Fields) -> tuple[str | None, bool]:
    """The value for an unknown code and whether its use is counted as a warning; (None, False) quarantines."""
    if not isinstance(fields.node.get("otherwise"), YamlMapping):
        return None, False
    policy = fields.fields("otherwise")
    if policy is None:
        return None, False
    value = policy.text("value", required=True)
    warn = policy.boolean("warn", default=True)
    policy.done()
    return (None, False) if value is None else (value.value, warn)


def inline_meanings(fields: Fields, report: Report) -> dict[str, str]:
    """Codes and meanings written in the plan."""
    meanings: dict[str, str] = {}
    for code, node in fields.node.entries:
        if code.value == "otherwise" and isinstance(node, YamlMapping):
            continue
        if code.is_null:
            report.problem(code.position, "a code is a text: put this one in quotes")
        if isinstance(node, YamlScalar) and node.is_null:
            report.problem(
                node.position, f"the meaning of code {code.value!r} is missing: put it in quotes if it is a text"
            )
            continue
        value = text_of(node, f"the meaning of code {code.value!r}", report)
        if value is not None:
            meanings[code.value] = value.value
    return meanings


def file_meanings(path: Text, files: dict[str, str], report: Report) -> dict[str, str]:
    """Codes and meanings of a CSV file. Repeated codes and ragged rows are problems."""
    if not is_inside(path.value):
        report.problem(path.position, "a code book lies in the plan's folder: no absolute path, no '..'")
        return {}
    if path.value not in files:
        known = [name for name in files if name.endswith(".csv")]
        report.problem(
            path.position, f"there is no file {path.value!r} in the plan's folder", wrong=path.value, known=known
        )
        return {}
    return rows_meanings(list(numbered_rows(path.value, files[path.value], report)), path.value, report)


def numbered_rows(file: str, text: str, report: Report) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file, each with the line where it ends."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        report.problem(Position(file=file, line=reader.line_num, column=1), f"broken CSV: {error}")


def rows_meanings(rows: list[tuple[int, list[str]]], file: str, report: Report) -> dict[str, str]:
    """The meanings in the rows of a CSV file."""
    header = rows[0][1] if rows else []
    if header not in HEADERS:
        report.problem(
            Position(file=file, line=1, column=1), "a code book begins with the line code,value or code,value,comment"
        )
        return {}
    meanings: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, row in rows[1:]:
        here = Position(file=file, line=line, column=1)
        if not row:
            continue
        if len(row) != len(header):
            report.problem(here, f"{len(row)} fields instead of {len(header)}")
        elif row[0] in meanings:
            report.problem(here, f"code {row[0]!r} is repeated: it stands already in line {lines[row[0]]}")
        elif not row[1]:
            report.problem(here, f"code {row[0]!r} has no value")
        else:
            meanings[row[0]], lines[row[0]] = row[1], line
    return meanings
