-- The audit's statements.

-- name: append
select transfuse.append_audit($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb);

-- name: entries
select seq, at, actor, role, action, object_kind, object_id, outcome, address, request_id, detail::text as detail
  from transfuse.audit
 where ($1::text is null or actor = $1)
   and ($2::text is null or action = $2)
   and ($3::text is null or object_id = $3)
   and ($4::timestamptz is null or at >= $4)
   and ($5::timestamptz is null or at < $5)
   and ($6::bigint is null or seq < $6)
   and ($8::text is null or detail ->> 'subject' = $8)
 order by seq desc
 limit $7;

-- name: head
select h.seq, h.hash, (select max(a.seq) from transfuse.audit a) as last_seq from transfuse.audit_head h;

-- name: chain
select seq, at, actor, role, action, object_kind, object_id, outcome, address, request_id, detail::text as detail,
       previous_hash, hash
  from transfuse.audit
 where seq > $1 and seq <= $2
 order by seq
 limit $3;

-- name: actor_of_run
select actor from transfuse.run where id = $1;
