"""A report as one HTML file: no script, nothing to fetch, made for A4."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from services.gateway.documents.report import ProofState, ReportDocument
from services.gateway.reason_words import words_for
from services.gateway.reports.markup import Markup, element, joined
from services.gateway.reports.sections import audited, codebooks, filters, money, times, verified
from services.gateway.reports.tables import DOES_NOT_APPLY, moment, number, section
from shared.core.states import Outcome, RunState
from shared.status.document import BalanceStatus, MappingAccount
from shared.status.words import BROUGHT_WORDS, duration, of_pass

STYLE = Markup(files("services.gateway.reports").joinpath("page.css").read_text(encoding="utf-8"))
COLOURS = {
    Outcome.LOADED: "#038a77",
    Outcome.UPDATED: "#218cb5",
    Outcome.UNCHANGED: "#64908f",
    Outcome.MERGED: "#9065d0",
    Outcome.FILTERED: "#7b8fa1",
    Outcome.QUARANTINED: "#d56c05",
}
LEAST_WIDTH = 4.0
"""Of a bar of 1,000: a part that is not 0 is always seen."""
PROOF_WORDS = {ProofState.HOLDS: "holds", ProofState.FAILED: "FAILED", ProofState.NOT_CHECKED: "not checked"}


def report_page(report: ReportDocument) -> str:
    """The whole file."""
    title = f"Report · {report.migration}, run {report.run_id}"
    body = element(
        "main",
        _head(report),
        _said(report),
        _balance(report.balance),
        money(report),
        _quarantine(report),
        _resolved(report),
        _warnings(report),
        _brought_in(report),
        filters(report),
        codebooks(report),
        _evidence(report),
        verified(report),
        _phases(report),
        times(report),
        _deeds(report),
        audited(report),
        _signatures(),
        _foot(report),
    )
    head = joined(
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", title),
        element("style", STYLE),
    )
    return "<!doctype html>\n" + element("html", element("head", head), element("body", body), lang="en")


def _head(report: ReportDocument) -> Markup:
    took = None if report.duration_seconds is None else duration(report.duration_seconds)
    facts = (
        ("Written", moment(report.written_at)),
        ("Run", str(report.run_id)),
        ("State", f"{report.kind} · {report.mode} · {report.state}"),
        ("Plan", f"{report.plan} version {report.plan_version}"),
        ("Snapshot", moment(report.snapshot_at)),
        ("Started", moment(report.started_at)),
        ("Ended", moment(report.completed_at) + (f", after {took}" if took else "")),
    )
    listed = joined(*(joined(element("dt", name), element("dd", value)) for name, value in facts))
    return element("header", element("h1", "Migration report"), element("p", report.migration), element("dl", listed))


def _said(report: ReportDocument) -> Markup:
    alarming = bool(report.balance.unaccounted) or report.state is RunState.FAILED
    return element(
        "section",
        element("p", report.sentence, class_="say alarm" if alarming else "say"),
        _bar(report.balance),
    )


def _bar(balance: BalanceStatus) -> Markup:
    """The outcomes to scale, with a legend in words; parts that would vanish are drawn as a line."""
    settled = balance.counts.settled
    shown = [(outcome, getattr(balance.counts, outcome.value)) for outcome in Outcome]
    shown = [(outcome, count) for outcome, count in shown if count]
    if not settled:
        return Markup("")
    parts, left = [], 0.0
    for outcome, count in shown:
        width = max(1000 * count / settled, LEAST_WIDTH)
        parts.append(element("rect", x=f"{left:.2f}", y="0", width=f"{width:.2f}", height="10", fill=COLOURS[outcome]))
        left += width
    words = ", ".join(f"{count:,} {outcome}" for outcome, count in shown)
    picture = element(
        "svg",
        *parts,
        viewBox=f"0 0 {left:.2f} 10",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"Balance: {words}",
    )
    legend = element("ul", *(element("li", f"{outcome} {count:,}") for outcome, count in shown), class_="legend")
    return joined(picture, legend)


def _balance(balance: BalanceStatus) -> Markup:
    used = [outcome for outcome in Outcome if getattr(balance.counts, outcome.value) or outcome in _ALWAYS_SHOWN]
    titles = ("In the snapshot", "Read", *(outcome.value.capitalize() for outcome in used), "Unaccounted")
    total = (balance.in_snapshot, balance.counts.read, *(getattr(balance.counts, outcome.value) for outcome in used))
    count = sum(account.pass_number == 1 for account in balance.mappings)
    last = element(
        "tr",
        element("td", f"{count:,} {'mapping' if count == 1 else 'mappings'}"),
        *(number(figure) for figure in (*total, balance.unaccounted)),
    )
    rows = [_account(account, used) for account in balance.mappings]
    return section("Balance by mapping", ("Mapping", *titles), rows, last, first_number=1)


_ALWAYS_SHOWN = frozenset({Outcome.LOADED, Outcome.MERGED, Outcome.FILTERED, Outcome.QUARANTINED})


def _account(account: MappingAccount, used: Iterable[Outcome]) -> Markup:
    name = of_pass(account.mapping, account.pass_number)
    figures = (
        account.in_snapshot,
        account.counts.read,
        *(getattr(account.counts, outcome.value) for outcome in used),
        account.unaccounted,
    )
    return element("tr", element("td", name, class_="name"), *map(number, figures))


def _quarantine(report: ReportDocument) -> Markup:
    rows = [
        element(
            "tr",
            element("td", words_for(found.code).title),
            element("td", found.code, class_="name"),
            element("td", f"{found.mapping} {found.column}".strip(), class_="name"),
            element("td", found.stage),
            number(found.rows),
        )
        for found in report.quarantine
    ]
    titles = ("Reason", "Code", "Mapping and column", "Found by", "Rows")
    return section("In quarantine, by reason", titles, rows)


def _resolved(report: ReportDocument) -> Markup:
    """What became of refused rows since the run has ended; nothing where nothing became of them."""
    decided = ("replayed", "filtered", "discarded", "replaced")
    if not any(getattr(found, name) for found in report.resolved for name in decided):
        return Markup("")
    rows = [
        element(
            "tr",
            element("td", of_pass(found.mapping, found.pass_number), class_="name"),
            *(number(getattr(found, name)) for name in ("waiting", *decided, "loaded_now")),
        )
        for found in report.resolved
    ]
    titles = ("Mapping", "Waiting", "Replayed", "Left out", "Given up", "Refused again", "Loaded now")
    return section("What became of refused rows since", titles, rows, first_number=1)


def _warnings(report: ReportDocument) -> Markup:
    rows = [
        element(
            "tr",
            element("td", found.code),
            element("td", f"{found.mapping} {found.column}".strip(), class_="name"),
            number(found.rows),
        )
        for found in report.warnings
    ]
    rows += [
        element(
            "tr",
            element("td", f"{found.code}: {found.message}" if found.message else found.code),
            element("td", found.table, class_="name"),
            number(None, missing=DOES_NOT_APPLY),
        )
        for found in report.notices
    ]
    return section("Warnings", ("Warning", "Where", "Rows"), rows)


def _brought_in(report: ReportDocument) -> Markup:
    rows = [
        element(
            "tr",
            element("td", f"{found.mapping} {found.column}", class_="name"),
            element("td", BROUGHT_WORDS[found.kind]),
            number(found.rows),
        )
        for found in report.brought_in
    ]
    return section("Not from the source", ("Mapping and column", "Where the value comes from", "Rows"), rows)


def _evidence(report: ReportDocument) -> Markup:
    rows = [
        element(
            "tr",
            element("td", proof.check),
            element("td", proof.result),
            element("td", PROOF_WORDS[proof.state]),
            element("td", moment(proof.at)),
        )
        for proof in report.evidence
    ]
    return section("How we know", ("Check", "Result", "Holds", "When"), rows, first_number=9)


def _phases(report: ReportDocument) -> Markup:
    rows = [
        element(
            "tr",
            element("td", phase.phase),
            element("td", moment(phase.started_at)),
            number(None, missing=duration((phase.ended_at - phase.started_at).total_seconds())),
        )
        for phase in report.phases
        if phase.ended_at is not None
    ]
    return section("Where the time went", ("Phase", "Began", "Took"), rows)


def _deeds(report: ReportDocument) -> Markup:
    rows = [
        element("tr", element("td", moment(deed.at)), element("td", deed.actor), element("td", deed.verb))
        for deed in report.deeds
    ]
    return section("Who did what", ("Time", "Who", "What"), rows, first_number=9)


def _signatures() -> Markup:
    lines = (element("div", f"{who}, date") for who in ("Migration engineer", "Compliance officer"))
    return element("section", *lines, class_="sign")


def _foot(report: ReportDocument) -> Markup:
    return element(
        "footer",
        f"Plan {report.plan_hash} · Transfuse {report.transfuse_version} · DuckDB {report.duckdb_version or 'none'} · "
        f"snapshots read: {report.snapshot_count}. Times are UTC. This report holds counts and names of columns, and "
        "no patient's data.",
    )
