"""The demo's last page: what arrived beside the generator's manifest, and what became of the defects it planted."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.core.states import RunState
from shared.ledger.snapshots import RunSnapshot
from shared.plan.model import Plan
from transfuse.exit_codes import ExitCode
from transfuse.samples.portal.outcomes import Finding, Manifest, Outcomes, compare, target_rows, untrue_facts
from transfuse.screen.figures import grouped
from transfuse.workspace import Workspace


async def report(
    console: Console,
    legacy: asyncpg.Connection,
    target: asyncpg.Connection,
    snapshot: RunSnapshot,
    plan: Plan,
    manifest: Manifest,
    outcomes: Outcomes,
    workspace: Workspace,
) -> ExitCode:
    """Print the comparison; OK only when every figure is the manifest's."""
    if snapshot.state is not RunState.COMPLETED:
        return ExitCode.FAILED
    tables = tuple(dict.fromkeys(mapping.into.value for mapping in plan.mappings))  # several mappings may write one
    rows = await target_rows(target, manifest, tables)
    findings = await compare(legacy, target, snapshot, manifest, outcomes)
    untrue = await untrue_facts(legacy, target, outcomes)
    console.print(Text("\nRows in the target, beside the manifest", "bold"), _rows_table(rows))
    console.print(Text("\nWhat became of the planted defects", "bold"), _findings_table(findings))
    wrong = [
        *(table for table, (stated, found) in rows.items() if stated != found),
        *(f"{finding.outcome.kind} in {finding.outcome.mapping}" for finding in findings if not finding.agrees),
        *untrue,
    ]
    console.print()
    if wrong:
        console.print(Text.assemble(("✗ differs from the manifest:", "bold red"), f" {', '.join(wrong)}"))
        return ExitCode.FAILED
    agreed = (
        f" {len(rows)} tables, {len(findings)} outcomes of defects, {len(outcomes.facts)} facts across both databases"
    )
    console.print(Text.assemble(("✓ every count is the manifest's:", "bold green"), agreed))
    home = f"--home {shown(workspace.home)}"
    console.print(
        f"\nWhere to look next\n"
        f"  .venv/bin/transfuse up --embedded {home}             this run in the dashboard, which says how to sign in\n"
        f"  .venv/bin/transfuse status {home}                    this run again\n"
        f"  .venv/bin/transfuse plan explain plans/portal {home}   the SQL on both sides, and what is read\n"
        f"  .venv/bin/transfuse hash plans/portal {home}           a hash over every mapped table\n"
        f"  plans/portal/plan.yml                the plan itself; plans/README.md explains it"
    )
    return ExitCode.OK


def shown(path: Path) -> Path:
    """A path as it is typed in the current folder, where that is shorter."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _rows_table(rows: dict[str, tuple[int, int]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("table")
    table.add_column("manifest", justify="right")
    table.add_column("target", justify="right")
    table.add_column("")
    for name, (stated, found) in rows.items():
        table.add_row(name, grouped(stated), grouped(found), _mark(agrees=stated == found))
    return table


def _findings_table(findings: tuple[Finding, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("defect", "legacy column", "mapping", "outcome"):
        table.add_column(title)
    for title in ("planted", "expected", "found"):
        table.add_column(title, justify="right")
    table.add_column("")
    for finding in findings:
        outcome = finding.outcome
        table.add_row(
            outcome.kind,
            f"{outcome.table}.{outcome.column}",
            outcome.mapping,
            str(outcome.outcome),
            *(grouped(count) for count in (finding.planted, finding.expected, finding.found)),
            _mark(agrees=finding.agrees),
        )
    return table


def _mark(*, agrees: bool) -> Text:
    return Text("✓", "green") if agrees else Text("✗", "bold red")
