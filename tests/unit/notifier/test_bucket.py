"""How fast a client may ask."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.bucket import Bucket, Pace


def test_a_burst_is_let_through_and_then_so_many_a_second() -> None:
    now = 100.0
    bucket = Bucket(Pace(per_second=10, burst=20), lambda: now)
    assert [bucket.take() for _ in range(25)] == [True] * 20 + [False] * 5
    now += 1.0
    assert sum(bucket.take() for _ in range(25)) == 10
    now += 3600
    assert sum(bucket.take() for _ in range(25)) == 20


@given(st.lists(st.floats(0, 5), max_size=200), st.integers(1, 30), st.floats(0.5, 50))
def test_no_rhythm_gets_more_than_the_burst_and_the_rate(pauses: list[float], burst: int, per_second: float) -> None:
    now = 0.0
    bucket = Bucket(Pace(per_second=per_second, burst=burst), lambda: now)
    taken = 0
    for pause in pauses:
        now += pause
        taken += bucket.take()
        assert taken <= burst + now * per_second + 1e-3
