-- What becomes of refused rows when a later run writes them, leaves them out, or refuses them again.

-- name: waiting
-- Of other runs of the migration that write; a back-fill is about columns, and resolves no more than back-fills.
select q.target_key
  from transfuse.run own
  join transfuse.run r on r.migration_id = own.migration_id and r.id <> own.id
                      and case own.mode when 'patch' then r.mode = 'patch' else r.mode in ('insert', 'merge', 'patch') end and r.undone_at is null
  join transfuse.quarantine q on q.run_id = r.id and q.mapping = $2 and q.pass = $3 and q.resolution = ''
 where own.id = $1 and q.target_key is not null
 limit $4;

-- name: resolve
-- What was replaced by the rows that wait comes to the same as these.
with found as (
    update transfuse.quarantine q
       set resolution = $4, resolved_at = clock_timestamp(), resolved_by_run = $1
      from transfuse.run r, transfuse.run own
     where own.id = $1 and r.id = q.run_id and r.migration_id = own.migration_id and r.id <> own.id
       and case own.mode when 'patch' then r.mode = 'patch' else r.mode in ('insert', 'merge', 'patch') end and r.undone_at is null
       and q.mapping = $2 and q.pass = $3 and q.target_key = any ($5::uuid[])
       and q.resolution in ('', case when $4 <> 'replaced' then 'replaced' else '' end)
    returning q.target_key
), applied as (
    update transfuse.quarantine_edit e set applied_by_run = $1
      from transfuse.run own
     where own.id = $1 and own.kind = 'replay' and $4 = 'replayed'
       and e.mapping = $2 and e.target_key in (select f.target_key from found f)
)
select count(*) from found;
