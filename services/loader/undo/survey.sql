-- What stands against an undo, found in one snapshot before anything is written. `{…}` as in undo.sql.
-- A row of the target may be there several times: inserted by a first pass, changed by a second one. `place` is its own.

-- name: begin
begin isolation level repeatable read read write;
create temporary table transfuse_writers (id xid) on commit drop;
create temporary table transfuse_keys (seq integer, key uuid, action text) on commit drop;
create temporary table transfuse_found (key uuid, place integer) on commit drop;
create temporary table transfuse_undone (
    part integer, seq integer, key uuid, action text, relation oid, place tid, written_by xid, stays text
) on commit drop;

-- name: writers
insert into pg_temp.transfuse_writers
select distinct m.transaction_id::xid
  from transfuse.manifest m
 where m.run_id = any (select u.id from transfuse.run u where u.id = $1 or (u.about_run = $1 and u.kind = 'undo'));

-- name: analyze
analyze pg_temp.transfuse_keys;

-- name: forget_keys
truncate pg_temp.transfuse_keys;

-- name: locate
-- A row that was deleted and is there: an undo that did not come to its end put it back, or somebody else made it anew.
insert into pg_temp.transfuse_undone (part, seq, key, action, relation, place, written_by, stays)
select $1, k.seq, k.key, k.action, t.tableoid, t.ctid, t.xmin,
       case when not (t.xmin in (select w.id from pg_temp.transfuse_writers w)) then $2::text end
  from pg_temp.transfuse_keys k join {table} t on t.{key} = k.key::text::{type_name}
 where true {own}

-- name: found_since
update pg_temp.transfuse_undone u set stays = $2
 where u.part = $1 and u.stays is null and u.action = 'written'
   and u.key in (select f.key from pg_temp.transfuse_found f);

-- name: forget_found
truncate pg_temp.transfuse_found;

-- name: own
and t.xmin in (select w.id from pg_temp.transfuse_writers w)

-- name: index
create index on pg_temp.transfuse_undone (relation, place);
analyze pg_temp.transfuse_undone;

-- name: changed
select u.part, u.seq, u.key, u.written_by::text::bigint as written_by
  from pg_temp.transfuse_undone u
 where u.stays = $1 and u.action <> 'deleted' and u.written_by::text::bigint = any ($2::bigint[]);

-- name: given_back
update pg_temp.transfuse_undone u set stays = null
 where (u.part, u.key) in (select g.part, g.key from unnest($1::integer[], $2::uuid[]) as g (part, key))
   and u.stays = $3;

-- name: let_go
update pg_temp.transfuse_undone u set stays = null where u.stays = any ($1::text[]) and u.action <> 'deleted';

-- name: together
update pg_temp.transfuse_undone u set stays = s.stays
  from pg_temp.transfuse_undone s
 where u.stays is null and s.stays is not null and (s.relation, s.place) = (u.relation, u.place);

-- name: hold
-- Rows to which one refers that neither goes nor gets another reference: they stay, and what they refer to in turn.
with held as (
    select distinct t.tableoid as relation, t.ctid as place
      from {referring} r
      join {table} t on {refers}
      join pg_temp.transfuse_undone u
        on u.relation = t.tableoid and u.place = t.ctid and u.action = 'written' and u.stays is null
     where not exists (
            select from pg_temp.transfuse_undone o
             where o.relation = r.tableoid and o.place = r.ctid and o.stays is null
               and (o.action = 'written' or o.part = any ($1::integer[])))
)
update pg_temp.transfuse_undone u set stays = $2
  from held h
 where u.relation = h.relation and u.place = h.place and u.stays is null

-- name: staying
select u.part, u.seq, u.stays as reason, string_agg(uuid_send(u.key), ''::bytea order by u.key) as keys, count(*) as row_count
  from pg_temp.transfuse_undone u
 where u.stays is not null
 group by u.part, u.seq, u.stays
 order by u.part, u.seq, u.stays;

-- name: counted
select m.mapping, s.reason, count(*) as row_count
  from (select u.relation, u.place, u.stays as reason, min(u.part) as part
          from pg_temp.transfuse_undone u
         where u.stays is not null
         group by u.relation, u.place, u.stays) s
  join unnest($1::integer[], $2::text[]) as m (part, mapping) on m.part = s.part
 group by m.mapping, s.reason
 order by m.mapping, s.reason;

-- name: end
rollback;
