"""Samples: some ranges of every mapping, the same ones for the same run."""

from __future__ import annotations

from uuid import UUID

from services.extractor.cutting import between
from services.extractor.sampling import finer, sampled
from shared.core.run_options import RunOptions

RUN, OTHER = UUID(int=1), UUID(int=2)
BOUNDS = tuple(between([(str(number),) for number in range(999)]))


def test_a_share_of_the_ranges_is_chosen_in_their_order_and_again_alike() -> None:
    chosen = sampled(BOUNDS, 0.05, RUN, "orders")
    assert len(chosen) == 50
    assert [BOUNDS.index(item) for item in chosen] == sorted(BOUNDS.index(item) for item in chosen)
    assert sampled(BOUNDS, 0.05, RUN, "orders") == chosen
    assert sampled(BOUNDS, 0.05, OTHER, "orders") != chosen
    assert sampled(BOUNDS, 0.05, RUN, "files") != chosen


def test_every_mapping_has_one_range_at_least_unless_it_is_empty() -> None:
    assert len(sampled(BOUNDS[:3], 0.001, RUN, "orders")) == 1
    assert sampled((), 0.5, RUN, "orders") == ()


def test_a_sample_is_cut_finer_but_not_beyond_what_a_statement_is_worth() -> None:
    assert finer(RunOptions(), 10**6).batch_rows == RunOptions().batch_rows
    assert finer(RunOptions(sample=0.01), 10**6).batch_rows == 1000
    assert finer(RunOptions(sample=0.01), 1000).batch_rows == 500
    assert finer(RunOptions(sample=0.5, batch_rows=100), 10**6).batch_rows == 100
