"""Numbers as people read them."""

from __future__ import annotations

SECONDS_PER_MINUTE = 60
MINUTES_PER_HOUR = 60


def grouped(count: int | None) -> str:
    """`1234567` as `1,234,567`; an unknown figure as a dash."""
    return "-" if count is None else f"{count:,}"


def duration(seconds: float | None) -> str:
    """Seconds as `8 s`, `3 min 05 s` or `2 h 14 min`; unknown as a dash."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole < SECONDS_PER_MINUTE:
        return f"{whole} s"
    minutes, rest = divmod(whole, SECONDS_PER_MINUTE)
    if minutes < MINUTES_PER_HOUR:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, MINUTES_PER_HOUR)
    return f"{hours} h {minutes:02d} min"
