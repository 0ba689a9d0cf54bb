"""A plan in several files: `include:` of the main file names the others, each with code books, mappings and reasons."""

from __future__ import annotations

from collections.abc import Iterator

from shared.plan.codebooks import is_inside
from shared.plan.fields import Fields, fields_of
from shared.plan.report import Report
from shared.plan.yaml_document import YamlMapping, YamlNode, YamlScalar, YamlSequence, read_yaml

MAIN = "plan.yml"
ENDINGS = (".yml", ".yaml")


def main_file(files: dict[str, str]) -> str:
    """The file that includes the others: `plan.yml`, else the one that says which language it is written in."""
    written = [name for name in files if name.endswith(ENDINGS)]
    if MAIN in files or len(written) < 2:
        return MAIN if MAIN in files or not written else written[0]
    return next((name for name in written if "transfuse:" in files[name].split("mappings:")[0]), written[0])


def included_names(root: YamlNode | None) -> tuple[YamlScalar, ...]:
    """The files that a main file names, as written."""
    node = root.get("include") if isinstance(root, YamlMapping) else None
    items = node.items if isinstance(node, YamlSequence) else ()
    return tuple(item for item in items if isinstance(item, YamlScalar))


def included(fields: Fields, files: dict[str, str], report: Report) -> Iterator[Fields]:
    """The parts of a plan, in the order in which they are named. What is no part is in the report."""
    items = fields.items("include")
    seen: set[str] = set()
    for item in items:
        name = item.value if isinstance(item, YamlScalar) else ""
        if not name.endswith(ENDINGS) or not is_inside(name):
            report.problem(item.position, "an included file lies in the plan's folder and ends in .yml")
        elif name not in files:
            known = [other for other in files if other.endswith(ENDINGS)]
            report.problem(item.position, f"there is no file {name!r} in the plan's folder", wrong=name, known=known)
        elif name in seen or name == main_file(files):
            report.problem(item.position, f"{name!r} is included already")
        else:
            seen.add(name)
            root = read_yaml(files[name], name, report)
            part = None if root is None else fields_of(root, "an included file", report)
            if part is not None:
                yield part
