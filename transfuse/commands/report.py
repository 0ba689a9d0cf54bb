"""`transfuse report`: what a run came to and how that is known."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click
import msgspec

from services.gateway.documents.report import ReportDocument
from services.gateway.reports.page import report_page
from transfuse.operator import console, home_option, run_argument, run_async
from transfuse.remote.option import api_option, run_control
from transfuse.screen.report import report_view


@click.command("report")
@run_argument
@home_option
@api_option
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write it as one HTML file, to print.")
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON, for programs.")
def report_command(run_id: UUID | None, home: Path, api: str | None, *, html: Path | None, as_json: bool) -> None:
    """Report on a run, by default the youngest: counts, sums and names, no values of rows.

    \b
    Examples:
      transfuse report
      transfuse report --html report.html
      transfuse report --json --api https://portal.example.org
    """
    found = run_async(_report(home, api, run_id))
    if html is not None:
        html.write_text(report_page(found), encoding="utf-8")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    elif html is not None:
        console.print(f"The report is in {html}")
    else:
        console.print(report_view(found))


async def _report(home: Path, api: str | None, run_id: UUID | None) -> ReportDocument:
    async with run_control(home, api) as runs:
        return await runs.report(await runs.run_or_latest(run_id))
