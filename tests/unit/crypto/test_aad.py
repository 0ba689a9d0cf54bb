"""What the seal's additional data promises: two different places never give the same bytes."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.core.ids import BatchRef
from shared.core.states import Stage
from shared.crypto.aad import batch_aad, bounds_aad, manifest_aad, row_aad

RUN = UUID("6f1fca6b-9f4a-4a6e-8a53-0d8d9f6c2a11")

batches = st.builds(
    BatchRef,
    run=st.sampled_from([RUN, UUID(int=0)]),
    mapping=st.text("a1\0|:i", max_size=4),
    pass_number=st.integers(1, 2),
    seq=st.integers(0, 30),
    generation=st.integers(0, 30),
)
stages = st.sampled_from(Stage)


@given(batches, stages, batches, stages)
def test_two_bodies_have_the_same_place_only_if_they_are_the_same(
    one: BatchRef, read_by: Stage, other: BatchRef, other_by: Stage
) -> None:
    assert (batch_aad(one, read_by) == batch_aad(other, other_by)) == ((one, read_by) == (other, other_by))


@given(batches, batches)
def test_bounds_and_manifests_belong_to_the_batch_whatever_its_generation(one: BatchRef, other: BatchRef) -> None:
    same = (one.run, one.mapping, one.pass_number, one.seq) == (other.run, other.mapping, other.pass_number, other.seq)
    assert (bounds_aad(one) == bounds_aad(other)) == same
    assert (manifest_aad(one) == manifest_aad(other)) == same


@given(batches, stages)
def test_purposes_never_meet(batch: BatchRef, stage: Stage) -> None:
    places = [batch_aad(batch, stage), bounds_aad(batch), manifest_aad(batch), row_aad(batch.run, batch.seq)]
    assert len(set(places)) == len(places)


def test_a_row_is_bound_to_its_run_and_its_id() -> None:
    places = {row_aad(RUN, 1), row_aad(RUN, 2), row_aad(UUID(int=0), 1), row_aad(RUN, UUID(int=1))}
    assert len(places) == 4


def test_the_encoding_is_pinned() -> None:
    batch = BatchRef(run=RUN, mapping="patients", pass_number=1, seq=7, generation=2)
    assert batch_aad(batch, Stage.LOAD).hex() == (
        "00000006736261746368"
        "00000011756f1fca6b9f4a4a6e8a530d8d9f6c2a11"
        "000000097370617469656e7473"
        "000000026931"
        "000000026937"
        "000000026932"
        "00000005736c6f6164"
    )
