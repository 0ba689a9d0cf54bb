-- Constraints that are off while a run loads. The functions are the owner's: services may drop and make nothing.

-- name: wants
select transfuse.wants_suspension($1);

-- name: suspend
select transfuse.suspend_constraints($1);

-- name: ended
select run from transfuse.constraints_of_ended($1) run;

-- name: holds
select exists (select from transfuse.constraint_hold where run_id = $1);

-- name: is_over
select exists (select from transfuse.run where id = $1 and state in ('completed', 'failed', 'cancelled'));

-- name: release
select transfuse.release_constraints($1);

-- name: to_restore
select target_schema, target_table, kind, name, held from transfuse.constraints_to_restore($1);

-- name: patience
set local statement_timeout = 0;

-- name: restore_index
select transfuse.restore_index($1, $2, $3);

-- name: restore_foreign_key
select transfuse.restore_foreign_key($1, $2, $3);

-- name: validate_foreign_key
select transfuse.validate_foreign_key($1, $2, $3);

-- name: forget
select transfuse.forget_constraints($1);

-- name: note
update transfuse.run r
   set warnings = coalesce((select jsonb_agg(w) from jsonb_array_elements(r.warnings) w where w ->> 'code' <> 'constraint_left_off'),
                           '[]'::jsonb) || $2::text::jsonb
 where r.id = $1;
