-- Requests that are answered once.

-- name: forget_old
delete from transfuse.idempotency
 where (actor, key) in (select actor, key from transfuse.idempotency
                         where created_at < clock_timestamp() - make_interval(hours => $1) for update skip locked);

-- name: forget_own
delete from transfuse.idempotency
 where actor = $1 and key = $2 and created_at < clock_timestamp() - make_interval(hours => $3);

-- name: take
insert into transfuse.idempotency (actor, key, request_hash) values ($1, $2, $3)
on conflict (actor, key) do nothing
returning key;

-- name: kept
select request_hash, answer from transfuse.idempotency where actor = $1 and key = $2;

-- name: keep
update transfuse.idempotency set answer = $3 where actor = $1 and key = $2;
