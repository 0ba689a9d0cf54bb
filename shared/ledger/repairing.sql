-- Which rows a repair is of, with their keys sealed.

-- name: is_verify
select exists (select from transfuse.run r
                where r.id = $1 and (r.kind = 'verify' or exists (select from transfuse.finding f where f.run_id = r.id)));

-- name: rows
-- Once each: a row may differ in both passes.
select distinct on (f.mapping, f.target_key) f.id, f.mapping, f.pass, f.seq, f.target_key, f.sealed_key, k.wrapped
  from transfuse.finding f left join transfuse.run_key k on k.run_id = f.run_id
 where f.run_id = $1 and f.kind in ('different', 'missing') and f.sealed_key is not null
   and ($2::boolean or f.source_changed is not true)
 order by f.mapping, f.target_key, f.pass;
