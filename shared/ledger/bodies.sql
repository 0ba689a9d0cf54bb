-- Sealed bodies that are too large for a message. What settles a batch drops its own (settling.sql).

-- name: keep
insert into transfuse.body (id, run_id, mapping, pass, seq, generation, body) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do nothing;

-- name: read
select body from transfuse.body where id = $1;

-- name: is_awaited
select exists (
    select from transfuse.batch
     where run_id = $1 and mapping = $2 and pass = $3 and seq = $4 and generation = $5 and state in ('planned', 'dispatched')
);

-- name: drop
delete from transfuse.body where run_id = $1;
