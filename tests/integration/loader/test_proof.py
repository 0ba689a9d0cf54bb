"""A run ends only where its money is: in the source, in what was sent, in the target."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from services.loader.finish import finish_run
from shared.core.errors import RunError
from shared.core.states import Encoding, LoadMode
from shared.core.sums import ProvenSum, SentSums, Sum, SumState, sum_of
from shared.ledger.proofs import seal_source_sums
from shared.plan.compiled import LoadProgram
from tests.loading.target import Body, Target, batch, program

TABLES = """
create table payments (id uuid primary key, amount numeric(12, 2) check (amount < 1000), label varchar(36));
insert into transfuse.target_schema values ('public');
"""
PAYMENTS = program("payments", ("id", "amount"), proof_sums=("amount",))
SELECT = "select md5('row ' || g)::uuid, (g * 1.5)::numeric(12, 2) from generate_series({first}, {last}) g"
ENCODER = "numeric(12,2)"


@pytest.fixture
async def ground(target: Target) -> Target:
    await target.connection.execute(TABLES)
    return target


def amounts(first: int, last: int) -> list[str | None]:
    return [str(number * 1.5) for number in range(first, last + 1)]


def body(first: int, last: int, encoding: Encoding = Encoding.BINARY, **more: object) -> Body:
    """Rows with the amounts 1.5, 3.0, … and their sums as the transformer has them."""
    sums = SentSums(column="amount", loaded=sum_of(amounts(first, last)), encoder=ENCODER)
    given = {name: value for name, value in more.items() if name in {"refused", "filtered", "aside", "unread"}}
    rest = {name: value for name, value in more.items() if name not in given}
    return Body(
        select=SELECT.format(first=first, last=last),
        encoding=encoding,
        sums=(msgspec.structs.replace(sums, **given),),
        **rest,  # type: ignore[arg-type]
    )


async def proven(ground: Target, run: UUID, source: Sum | None, mapping: str = "payments") -> tuple[str, ProvenSum]:
    """Finish the run, of whose source the legacy server has given a sum; its reason and what was found."""
    connection = ground.connection
    sealed = seal_source_sums(None if source is None else {"amount": source}, ground.keys[run], run, mapping)
    await connection.execute("update transfuse.run_mapping set source_sums = $2 where run_id = $1", run, sealed)
    await connection.execute(
        """update transfuse.run_mapping m set driving_rows = b.read, from_rows = b.read
             from (select sum(read_count) as read from transfuse.batch where run_id = $1) b where m.run_id = $1""",
        run,
    )
    await connection.execute("update transfuse.run set state = 'finishing' where id = $1", run)
    await finish_run(ground.ledger.pool, run, ground.loader.runs)
    text = await connection.fetchval("select proof from transfuse.run_mapping where run_id = $1", run)
    (found,) = msgspec.json.decode(text, type=tuple[ProvenSum, ...])
    return (await ground.ledger.runs.get(run)).reason, found


async def plain(ground: Target, **plan: object) -> UUID:
    """A run of one mapping whose amounts are those of the source."""
    return await ground.run({"payments": PAYMENTS}, sums={"payments": {"amount": "c0"}}, **plan)  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", Encoding)
async def test_sums_of_source_target_and_what_was_sent_agree_and_are_told(ground: Target, encoding: Encoding) -> None:
    run = await plain(ground, batches=2)
    await ground.load(batch(run, "payments", 1), body(1, 10, encoding))
    await ground.load(batch(run, "payments", 2), body(11, 20, encoding))
    assert await proven(ground, run, sum_of(amounts(1, 20))) == (
        "",
        ProvenSum(column="amount", state=SumState.AGREES, source="315", loaded="315", target="315"),
    )
    sealed = await ground.connection.fetch("select sums from transfuse.manifest")
    assert all(row["sums"] is not None and b"amount" not in row["sums"] for row in sealed)


@pytest.mark.parametrize("encoding", Encoding)
async def test_rows_that_the_target_refuses_are_taken_off_to_the_cent(ground: Target, encoding: Encoding) -> None:
    run = await plain(ground)
    await ground.load(
        batch(run, "payments"), body(660, 675, encoding, refused=sum_of(["0.07"] * 5), aside=sum_of(["5"] * 6))
    )
    source = sum_of([*amounts(660, 675), *["0.07"] * 5, *["5"] * 6])
    _reason, found = await proven(ground, run, source)
    assert (found.state, found.loaded, found.target) == (SumState.AGREES, "6961.5", "6961.5")
    assert (found.refused, found.aside) == ("9058.85", "30")
    assert await ground.connection.fetchval("select sum(amount) from payments") == 6961.5


async def test_a_trigger_that_changes_an_amount_fails_the_run_with_all_sums(ground: Target) -> None:
    await ground.connection.execute(
        """create function tax() returns trigger language plpgsql
               as 'begin new.amount = new.amount + 0.01; return new; end';
           create trigger tax before insert on payments for each row execute function tax()"""
    )
    run = await plain(ground)
    await ground.load(batch(run, "payments"), body(1, 10))
    reason, found = await proven(ground, run, sum_of(amounts(1, 10)))
    assert (reason, found.state, found.target) == ("proof_differs", SumState.DIFFERS, "82.6")
    told = await ground.ledger.runs.get(run)
    assert told.state == "failed"
    assert "payments.amount (source 82.5, loaded 82.5, target 82.6)" in told.message
    assert told.remedy

    # What is mended is proven again when the run is resumed.
    await ground.connection.execute("update payments set amount = amount - 0.01")
    await ground.ledger.runs.resume(run, actor="tester")
    assert (await proven(ground, run, sum_of(amounts(1, 10))))[0] == ""


async def test_a_row_that_went_missing_on_the_way_fails_the_run(ground: Target) -> None:
    run = await plain(ground)
    await ground.load(batch(run, "payments"), body(1, 10))
    reason, found = await proven(ground, run, sum_of(amounts(1, 11)))
    assert (reason, found.source, found.target) == ("proof_differs", "99", "82.5")


async def test_a_zero_that_is_missing_differs_too(ground: Target) -> None:
    run = await plain(ground)
    await ground.load(batch(run, "payments"), body(1, 10))
    assert (await proven(ground, run, sum_of([*amounts(1, 10), "0.00"])))[0] == "proof_differs"


async def test_sums_of_few_values_are_compared_and_not_shown(ground: Target) -> None:
    run = await plain(ground)
    await ground.load(batch(run, "payments"), body(1, 4))
    assert await proven(ground, run, sum_of(amounts(1, 4))) == (
        "",
        ProvenSum(column="amount", state=SumState.AGREES, withheld=True),
    )
    await ground.connection.execute("delete from payments")
    other = await plain(ground)
    await ground.load(batch(other, "payments"), body(1, 4))
    reason, _ = await proven(ground, other, sum_of(amounts(1, 3)))
    assert reason == "proof_differs"
    message = (await ground.ledger.runs.get(other)).message
    assert message == "Sums differ: payments.amount (the others are of too few rows to be shown)."


async def test_what_one_refused_value_could_be_computed_from_is_not_shown(ground: Target) -> None:
    run = await plain(ground)
    await ground.load(batch(run, "payments"), body(1, 10, refused=sum_of(["77.70"])))
    _reason, found = await proven(ground, run, sum_of([*amounts(1, 10), "77.70"]))
    assert found == ProvenSum(column="amount", state=SumState.AGREES, source="160.2", withheld=True)


async def test_rows_that_were_there_already_count_as_in_the_target(ground: Target) -> None:
    await ground.connection.execute(f"insert into payments {SELECT.format(first=1, last=6)}")
    run = await plain(ground)
    await ground.load(batch(run, "payments"), body(1, 10), LoadMode.MERGE)
    assert await ground.connection.fetchval("select unchanged from transfuse.batch where run_id = $1", run) == 6
    reason, found = await proven(ground, run, sum_of(amounts(1, 10)))
    assert (reason, found.target) == ("", "82.5")


async def test_rows_of_others_in_the_same_table_have_no_part_in_it(ground: Target) -> None:
    await ground.connection.execute("insert into payments values (md5('somebody')::uuid, 500)")
    run = await plain(ground)
    await ground.load(batch(run, "payments"), body(1, 10))
    assert (await proven(ground, run, sum_of(amounts(1, 10))))[1].target == "82.5"


async def test_what_is_no_number_is_said_and_not_compared(ground: Target) -> None:
    await ground.connection.execute(
        "alter table payments drop constraint payments_amount_check, alter amount type numeric"
    )
    run = await plain(ground)
    select = "select md5('row ' || g)::uuid, 'NaN'::numeric from generate_series(1, 5) g"
    sums = (SentSums(column="amount", loaded=Sum(strange=5), encoder="numeric"),)
    await ground.load(batch(run, "payments"), Body(select=select, encoding=Encoding.CSV, sums=sums))
    reason, found = await proven(ground, run, Sum(strange=5))
    assert (reason, found.state, found.reason) == ("", SumState.NOT_COMPARABLE, "not_a_number")


@pytest.mark.parametrize(
    ("change", "reason"),
    (
        ("update transfuse.run set snapshot_count = 2", "several_snapshots"),
        ("select 1", "not_summed"),
    ),
)
async def test_a_source_that_cannot_be_compared_is_said(ground: Target, change: str, reason: str) -> None:
    run = await plain(ground)
    await ground.load(batch(run, "payments"), body(1, 10))
    await ground.connection.execute(change)
    failed, found = await proven(ground, run, None)
    assert (failed, found.state, found.reason, found.target) == ("", SumState.AGREES, reason, "82.5")


async def test_an_expression_is_compared_from_what_was_sent_on(ground: Target) -> None:
    run = await ground.run({"payments": PAYMENTS})
    await ground.load(batch(run, "payments"), body(1, 10))
    _failed, found = await proven(ground, run, None)
    assert (found.state, found.reason, found.source) == (SumState.AGREES, "computed", None)


async def test_rows_that_were_too_large_to_read_leave_the_source_uncompared(ground: Target) -> None:
    run = await plain(ground)
    await ground.load(batch(run, "payments"), body(1, 10, unread=1))
    failed, found = await proven(ground, run, sum_of([*amounts(1, 10), "5"]))
    assert (failed, found.state, found.reason, found.target) == ("", SumState.AGREES, "row_too_large", "82.5")


async def test_keys_that_a_table_has_as_text_are_found(ground: Target) -> None:
    loading = program("payments", ("label", "id", "amount"), proof_sums=("amount",), primary_key=("id",))
    run = await ground.run({"payments": loading}, sums={"payments": {"amount": "c0"}})
    rows = SELECT.format(first=1, last=10)
    select = f"select k::uuid, k::uuid, a from ({rows}) as r (k, a)"  # noqa: S608 - a constant
    filled = msgspec.structs.replace(body(1, 10), select=select, encoding=Encoding.CSV)
    await ground.load(batch(run, "payments"), filled)
    assert (await proven(ground, run, sum_of(amounts(1, 10))))[1].target == "82.5"


async def test_a_mapping_without_a_proof_has_none(ground: Target) -> None:
    bare: LoadProgram = program("payments", ("id", "amount"))
    run = await ground.run({"payments": bare})
    await ground.load(batch(run, "payments"), Body(select=SELECT.format(first=1, last=10)))
    await ground.connection.execute("update transfuse.run set state = 'finishing'")
    await finish_run(ground.ledger.pool, run)
    row = await ground.connection.fetchrow("select proof from transfuse.run_mapping")
    assert row["proof"] is None
    assert await ground.connection.fetchval("select sums from transfuse.manifest") is None


async def test_a_proof_is_never_passed_over_for_want_of_a_key(ground: Target) -> None:
    run = await plain(ground)
    await ground.load(batch(run, "payments"), body(1, 10))
    await ground.connection.execute("update transfuse.run set state = 'finishing'")
    with pytest.raises(RunError, match="not at hand"):
        await finish_run(ground.ledger.pool, run)
