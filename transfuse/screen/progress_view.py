"""One run as a table that is drawn again and again: per mapping rows, rows a second, time to go."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from shared.core.states import MappingState, RunState
from shared.ledger.snapshots import MappingSnapshot, RunSnapshot
from transfuse.screen.figures import duration, grouped

BAR_WIDTH = 24
STATE_STYLES = {
    RunState.COMPLETED: "bold green",
    RunState.FAILED: "bold red",
    RunState.CANCELLED: "bold red",
    RunState.PAUSED: "bold yellow",
}
MARKS = {
    MappingState.PLANNED: Text("·", "dim"),
    MappingState.OPEN: Text("▸", "cyan"),
    MappingState.PAUSED: Text("‖", "yellow"),
    MappingState.COMPLETE: Text("✓", "green"),
    MappingState.FAILED: Text("✗", "red"),
}


def progress_view(snapshot: RunSnapshot) -> RenderableType:
    """Header, one line per mapping, and the reason when the run stands still."""
    parts: list[RenderableType] = [_header(snapshot)]
    if snapshot.mappings:
        parts.append(_table(snapshot))
    if snapshot.message:
        parts.append(Text(f"{snapshot.message}\n-> {snapshot.remedy}", STATE_STYLES.get(snapshot.state, "yellow")))
    return Group(*parts)


def share_done(snapshot: RunSnapshot) -> float:
    """Settled share of all rows, 0 to 1; 1 only when the run is completed."""
    if snapshot.state is RunState.COMPLETED:
        return 1.0
    return min(snapshot.counts.read / snapshot.row_total, 0.999) if snapshot.row_total else 0.0


def _header(snapshot: RunSnapshot) -> Text:
    return Text.assemble(
        (f"{snapshot.migration}  ", "bold"),
        (f"{snapshot.state}", STATE_STYLES.get(snapshot.state, "bold cyan")),
        f"  {share_done(snapshot):.1%}  {grouped(snapshot.counts.read)} of {grouped(snapshot.row_total)} rows",
        f"  {grouped(round(snapshot.rows_per_second))} rows/s  {duration(snapshot.eta_seconds)} to go",
    )


def _table(snapshot: RunSnapshot) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", width=1)
    table.add_column("mapping")
    table.add_column("", width=BAR_WIDTH)
    for title in ("rows", "of", "rows/s", "quarantined", "to go"):
        table.add_column(title, justify="right")
    for mapping in snapshot.mappings:
        table.add_row(*_row(mapping))
    return table


def _row(mapping: MappingSnapshot) -> tuple[RenderableType, ...]:
    total, read = mapping.from_rows, mapping.counts.read
    complete = mapping.state is MappingState.COMPLETE
    seconds = (total - read) / mapping.rows_per_second if total is not None and mapping.rows_per_second > 0 else None
    return (
        MARKS[mapping.state],
        Text(mapping.mapping),
        ProgressBar(total=max(total or 0, 1), completed=1 if complete and not total else read, width=BAR_WIDTH),
        grouped(read),
        grouped(total),
        grouped(round(mapping.rows_per_second)),
        Text(grouped(mapping.counts.quarantined), "yellow" if mapping.counts.quarantined else "dim"),
        "" if complete else duration(seconds),
    )
