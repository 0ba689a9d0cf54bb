"""What a verify came to, as people read it: by mapping and column, with a verdict in plain words."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.gateway.documents.verification import MappingVerificationDocument, VerificationDocument
from shared.core.findings import VerifyOutcome
from transfuse.exit_codes import ExitCode
from transfuse.screen.figures import grouped

COLUMNS = ("checked", "equal", "absent", "different", "missing", "unexpected", "extra")
RARE = {"changed_since": "changed since", "could_not_verify": "could not verify", "not_checked": "not checked"}
STYLES = {
    VerifyOutcome.EQUAL: "bold green",
    VerifyOutcome.DIFFERENT: "bold red",
    VerifyOutcome.COULD_NOT_VERIFY: "bold yellow",
    VerifyOutcome.NOT_CHECKED: "bold yellow",
}
CODES = {
    VerifyOutcome.EQUAL: ExitCode.OK,
    VerifyOutcome.DIFFERENT: ExitCode.FAILED,
    VerifyOutcome.COULD_NOT_VERIFY: ExitCode.UNVERIFIED,
    VerifyOutcome.NOT_CHECKED: ExitCode.UNVERIFIED,
}
MOST_COLUMNS = 20


def verification_view(found: VerificationDocument) -> RenderableType:
    """Every mapping, the columns that differ most, the verdict."""
    parts: list[RenderableType] = [_mappings(found)] if found.mappings else []
    if any(mapping.columns for mapping in found.mappings):
        parts += [Text("\nColumns that differ", "bold"), _columns(found)]
    return Group(*parts, Text(), verdict(found))


def verification_code(found: VerificationDocument) -> ExitCode:
    """What a script should know of it: equal is 0, or 1 where the source has changed since."""
    code = CODES[found.outcome]
    return ExitCode.WARNINGS if code is ExitCode.OK and _total(found, "changed_since") else code


def verdict(found: VerificationDocument) -> Text:
    """One sentence, and what to do where something is to be done."""
    text = Text(_said(found), STYLES[found.outcome])
    for line in _remarks(found):
        text.append(f"\n     {line}", "default not bold")
    return text


def _said(found: VerificationDocument) -> str:
    checked, share = grouped(_total(found, "checked")), found.sample
    sample = "" if share is None else f" in a sample of {share:.6g}"
    match found.outcome:
        case VerifyOutcome.EQUAL:
            return f"Equal{sample}: the target is what the plan makes of the source, in all of {checked} rows."
        case VerifyOutcome.DIFFERENT:
            return f"Different{sample}: {grouped(found.differences)} of {checked} rows are not as they should be."
        case VerifyOutcome.COULD_NOT_VERIFY:
            left = _total(found, "could_not_verify")
            what = f"{grouped(left)} rows were not compared." if left else "the run ended before a row was compared."
            return f"Could not verify: {what}"
        case VerifyOutcome.NOT_CHECKED:
            return "Not checked: nothing was compared to its end yet."


def _remarks(found: VerificationDocument) -> list[str]:
    lines = []
    if changed := _total(found, "changed_since"):
        lines.append(
            f"{grouped(changed)} rows changed in the source since they were loaded, or are gone from it: a run of mode"
            " merge brings what changed; `gone` in the plan says what becomes of the others."
        )
    if left_out := _total(found, "not_checked"):
        lines.append(f"{grouped(left_out)} rows were not checked: they are not in the sample.")
    if found.mappings and not found.extras_checked:
        lines.append("Rows that no legacy row explains were not looked for.")
    if found.repairable:
        lines.append(f"Set right what can be by its key: transfuse verify {found.run_id} --repair")
    return lines


def _mappings(found: VerificationDocument) -> Table:
    table = Table(
        title="Verify", title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
    )
    rare = [name for name in RARE if _total(found, name)]
    table.add_column("mapping")
    for title in (*COLUMNS, *(RARE[name] for name in rare)):
        table.add_column(title, justify="right")
    table.add_column("")
    for mapping in found.mappings:
        figures = [grouped(getattr(mapping, name)) for name in (*COLUMNS, *rare)]
        table.add_row(Text(mapping.mapping), *figures, Text(_word(mapping), STYLES[mapping.outcome]))
    return table


def _columns(found: VerificationDocument) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    rows = [(one.row_count, mapping.mapping, one.column) for mapping in found.mappings for one in mapping.columns]
    for count, mapping, column in sorted(rows, key=lambda row: (-row[0], row[1], row[2]))[:MOST_COLUMNS]:
        table.add_row(Text(f"{mapping}.{column}"), grouped(count))
    if len(rows) > MOST_COLUMNS:
        table.add_row(Text(f"and {len(rows) - MOST_COLUMNS} more columns", "dim"), "")
    return table


def _word(mapping: MappingVerificationDocument) -> str:
    return mapping.outcome.value.replace("_", " ")


def _total(found: VerificationDocument, name: str) -> int:
    return sum(getattr(mapping, name) or 0 for mapping in found.mappings)
