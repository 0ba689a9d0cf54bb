"""Sections of a report that go beyond its balance: money, filters, codes, a verify, times, the audit."""

from __future__ import annotations

from services.gateway.documents.report import CodebookReport, ReportDocument
from services.gateway.reports.markup import Markup, element
from services.gateway.reports.tables import DOES_NOT_APPLY, moment, number, section
from shared.core.sums import SumState
from shared.status.document import SumStatus
from shared.status.words import duration, of_pass

FIGURES = ("source", "loaded", "refused", "filtered", "aside", "target")
TOO_FEW = "too few rows to show"
STATE_WORDS = {
    SumState.AGREES: "agrees",
    SumState.DIFFERS: "DIFFERS",
    SumState.NOT_COMPARABLE: "not comparable",
}
REASON_WORDS = {
    "computed": "computed by the plan: compared from what was sent on",
    "several_snapshots": "read from several snapshots: the source is not compared",
    "not_summed": "not summed in the source",
    "row_too_large": "some rows were too large to be read: the source is not compared",
    "no_key_column": "no column holds the key: the target is not compared",
    "dry_run": "a dry run leaves no rows: the target is not compared",
    "not_a_number": "there are values that are no number",
}


def money(report: ReportDocument) -> Markup:
    """Sums that the plan wants proven."""
    rows = [
        element(
            "tr",
            element("td", f"{one.mapping}.{one.column}", class_="name"),
            *(_figure(one, name) for name in FIGURES),
            element("td", _said(one)),
        )
        for one in report.sums
    ]
    titles = ("Column", "Source", "Loaded", "Refused", "Filtered", "Kept aside", "Target", "Result")
    return section("Money, to the last digit", titles, rows, first_number=9)


def _figure(one: SumStatus, name: str) -> Markup:
    text: str | None = getattr(one, name)
    missing = TOO_FEW if one.withheld and name in {"loaded", "target"} else DOES_NOT_APPLY
    return element("td", missing if text is None else text, class_="number")


def _said(one: SumStatus) -> str:
    reasons = [REASON_WORDS.get(code, code) for code in one.reason.split(", ") if code]
    return "; ".join([STATE_WORDS[one.state], *reasons])


def filters(report: ReportDocument) -> Markup:
    """What the plan left out, in its own words."""
    rows = [
        element(
            "tr",
            element("td", one.mapping, class_="name"),
            element("td", one.keep or DOES_NOT_APPLY, class_="name"),
            element("td", ", ".join(one.parents) or DOES_NOT_APPLY, class_="name"),
            number(one.rows),
        )
        for one in report.filters
    ]
    return section("Left out by rules of the plan", ("Mapping", "Kept where", "With their parents", "Rows"), rows)


def codebooks(report: ReportDocument) -> Markup:
    """Codes that were met and what they mean."""
    rows = [row for one in report.codebooks for row in _codes(one)]
    return section("Codes met, and what they mean", ("Mapping and column", "Code", "Meaning", "Rows"), rows)


def _codes(book: CodebookReport) -> list[Markup]:
    place = element("td", f"{book.mapping}.{book.column}", class_="name")
    rows = [
        element("tr", place, element("td", one.code, class_="name"), element("td", one.meaning), number(one.rows))
        for one in book.codes
    ]
    became = "wait in quarantine" if book.otherwise is None else f"become {book.otherwise}"
    few = "fewer than five" if book.unknown_rows is None else f"{book.unknown_rows:,}"
    said = [
        (book.rare, f"{book.rare:,} more of the book", "fewer than five rows each", DOES_NOT_APPLY),
        (book.unknown, f"{book.unknown:,} that the book does not know", became, few),
        (book.untold, "not looked at", "made by a function that only the run computes", DOES_NOT_APPLY),
        (book.many, "more values than codes", "only the first were looked at", DOES_NOT_APPLY),
    ]
    return rows + [
        element("tr", place, element("td", what), element("td", words), number(None, missing=count))
        for there, what, words, count in said
        if there
    ]


def verified(report: ReportDocument) -> Markup:
    """What a verify found, in figures."""
    found = report.verify
    if found is None:
        return Markup("")
    extra = DOES_NOT_APPLY if found.extra is None else f"{found.extra:,}"
    row = element(
        "tr",
        element("td", found.outcome.value.replace("_", " ")),
        *(number(count) for count in (found.checked, found.equal, found.different, found.missing, found.unexpected)),
        number(None, missing=extra),
        number(found.changed_since),
    )
    titles = ("Outcome", "Checked", "Equal", "Different", "Missing", "Unexpected", "Extra", "Changed since")
    return section("Verified against the target", titles, [row], first_number=1)


def times(report: ReportDocument) -> Markup:
    """How long each mapping took."""
    rows = [
        element(
            "tr",
            element("td", of_pass(one.mapping, one.pass_number), class_="name"),
            element("td", moment(one.started_at)),
            number(None, missing=duration(one.seconds)),
            number(round(one.rows_per_second)),
        )
        for one in report.times
        if one.seconds is not None
    ]
    return section("Time by mapping", ("Mapping", "Began", "Took", "Rows a second"), rows, first_number=2)


def audited(report: ReportDocument) -> Markup:
    """What the audit has of the run."""
    rows = [
        element(
            "tr",
            element("td", moment(one.at)),
            element("td", one.actor),
            element("td", one.action, class_="name"),
            element("td", one.outcome),
        )
        for one in report.audit
    ]
    return section("In the audit", ("Time", "Who", "What", "Outcome"), rows, first_number=9)
