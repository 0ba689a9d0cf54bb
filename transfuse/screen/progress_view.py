"""One run as a table that is drawn again and again: per mapping rows, rows a second, time to go."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from shared.core.states import MappingState, RunState
from shared.status.document import Ground, MappingStatus, RunStatus
from shared.status.words import of_pass
from transfuse.screen.figures import duration, grouped

BAR_WIDTH = 24
STATE_STYLES = {
    RunState.COMPLETED: "bold green",
    RunState.FAILED: "bold red",
    RunState.CANCELLED: "bold red",
    RunState.PAUSED: "bold yellow",
}
NEEDS_SOMEBODY = {Ground.PAUSED, Ground.ATTENTION, Ground.QUARANTINED, Ground.FAILED}
MARKS = {
    MappingState.PLANNED: Text("·", "dim"),
    MappingState.OPEN: Text("▸", "cyan"),
    MappingState.PAUSED: Text("‖", "yellow"),
    MappingState.COMPLETE: Text("✓", "green"),
    MappingState.FAILED: Text("✗", "red"),
}


def progress_view(status: RunStatus) -> RenderableType:
    """Header, one line per mapping, and the verdict where somebody is needed."""
    parts: list[RenderableType] = [_header(status)]
    if status.mappings:
        parts.append(_table(status))
    if status.verdict.ground in NEEDS_SOMEBODY:
        told = f"{status.verdict.headline}\n-> {status.verdict.detail}"
        parts.append(Text(told, STATE_STYLES.get(status.phase, "yellow")))
    return Group(*parts)


def _header(status: RunStatus) -> Text:
    progress = status.progress
    return Text.assemble(
        (f"{status.migration}  ", "bold"),
        (f"{status.phase}", STATE_STYLES.get(status.phase, "bold cyan")),
        f"  {progress.percentage:.1f}%  {grouped(progress.current)} of {grouped(progress.total)} rows",
        f"  {grouped(round(status.rows_per_second))} rows/s",
        f"  {duration(status.eta.seconds if status.eta else None)} to go",
    )


def _table(status: RunStatus) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", width=1)
    table.add_column("mapping")
    table.add_column("", width=BAR_WIDTH)
    for title in ("rows", "of", "rows/s", "quarantined", "to go"):
        table.add_column(title, justify="right")
    for mapping in status.mappings:
        table.add_row(*_row(mapping))
    return table


def _row(mapping: MappingStatus) -> tuple[RenderableType, ...]:
    total, read = mapping.total, mapping.counts.read
    complete = mapping.state is MappingState.COMPLETE
    seconds = (total - read) / mapping.rows_per_second if total is not None and mapping.rows_per_second > 0 else None
    return (
        MARKS[mapping.state],
        Text(of_pass(mapping.mapping, mapping.pass_number)),
        ProgressBar(total=max(total or 0, 1), completed=1 if complete and not total else read, width=BAR_WIDTH),
        grouped(read),
        grouped(total),
        grouped(round(mapping.rows_per_second)),
        Text(grouped(mapping.counts.quarantined), "yellow" if mapping.counts.quarantined else "dim"),
        "" if complete else duration(seconds),
    )
