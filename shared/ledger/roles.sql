-- One group role per service holds its rights in this database; one login role is its member. `:role`, `:login` and `:schema`
-- are replaced by quoted identifiers. Every block is repeatable: `clear` takes all rights away first, so what stands here is all there is.

-- name: clear
revoke all on all tables in schema transfuse from :role;
revoke all on all sequences in schema transfuse from :role;
revoke all on all functions in schema transfuse from :role;
revoke all on schema transfuse from :role;
grant usage on schema transfuse to :role;

-- name: close_functions
revoke execute on function
    transfuse.guard_run(), transfuse.record_run_state(), transfuse.mark_undone(), transfuse.take_plan_over(), transfuse.append_event(uuid, text, jsonb),
    transfuse.is_being_undone(uuid),
    transfuse.report_attempt_failed(uuid, text, smallint, integer, integer, text, integer, double precision),
    transfuse.report_step(uuid, text, smallint, integer, integer, text),
    transfuse.report_run_step(uuid),
    transfuse.stop_run(uuid, text, text, text, text, text),
    transfuse.report_command_failed(uuid, text, text, text, text, integer, double precision),
    transfuse.mapped_table(uuid, text), transfuse.analyze_target(uuid, text),
    transfuse.set_trigger(text, text, text, "char"),
    transfuse.suspend_triggers(uuid, text), transfuse.restore_triggers(uuid),
    transfuse.append_audit(text, text, text, text, text, text, text, text, jsonb),
    transfuse.forget_sign_ins(), transfuse.note_versions(uuid, jsonb),
    transfuse.put_back(uuid, text, smallint, integer, integer, jsonb, double precision),
    transfuse.put_back_command(uuid, text, jsonb, double precision),
    transfuse.runs_beyond_retention(uuid), transfuse.run_with_undo_records(uuid, text),
    transfuse.mappings_beyond_retention(uuid, uuid),
    transfuse.retention_outlook(), transfuse.remove_details(uuid, uuid, integer),
    transfuse.replays_of(uuid), transfuse.chosen_rows(uuid, uuid[], text, text, text),
    transfuse.discard_rows(uuid, uuid[], text, text, text), transfuse.start_replay(uuid, uuid[]),
    transfuse.edited_keys(uuid, text), transfuse.wait_again(), transfuse.sum_resolutions(),
    transfuse.is_read_by_replays(uuid), transfuse.forget_extra_rows(),
    transfuse.shadow_schema(uuid), transfuse.operator_name(oid), transfuse.shadow_uniques(text, oid, text[]),
    transfuse.shadow_references(text, oid), transfuse.can_try_reference(oid), transfuse.is_harmless(oid, "char"),
    transfuse.copy_table(text, oid), transfuse.default_is_harmless(oid), transfuse.check_is_harmless(oid),
    transfuse.keep_transactions(), transfuse.own_transactions(uuid),
    transfuse.follow_sequence(regclass, regclass), transfuse.guard_copy(text, oid, text[]),
    transfuse.list_unchecked(uuid, oid), transfuse.make_shadow(uuid, jsonb), transfuse.drop_shadow(uuid),
    transfuse.wants_suspension(uuid), transfuse.suspend_constraints(uuid), transfuse.release_constraints(uuid),
    transfuse.note_suspended(text, text, text, text, text, text, boolean, jsonb, text),
    transfuse.constraints_to_restore(uuid), transfuse.take_suspended(text, text, text, text),
    transfuse.give_back_suspended(text, text, text, text), transfuse.restore_index(text, text, text),
    transfuse.restore_foreign_key(text, text, text), transfuse.validate_foreign_key(text, text, text),
    transfuse.forget_constraints(uuid), transfuse.constraints_of_ended(double precision)
    from public;

-- name: gateway
grant select on transfuse.met_code to :role;
grant select on transfuse.suspended_constraint, transfuse.constraint_hold to :role;
grant execute on function transfuse.wants_suspension(uuid), transfuse.suspend_constraints(uuid),
    transfuse.constraints_of_ended(double precision) to :role;
grant select on transfuse.schema_migration, transfuse.service_role, transfuse.target_schema, transfuse.suspended_trigger
    to :role;
grant select, insert on transfuse.plan, transfuse.migration to :role;
grant update (deleted_at, deleted_by) on transfuse.migration to :role;
grant select, insert, delete, update (answer) on transfuse.idempotency to :role;
grant select on transfuse.living_migration to :role;
grant select (id, migration_id, about_run, kind, mode, state, priority, options, actor, plan_hash, transfuse_version, duckdb_version,
              snapshot, snapshot_at, snapshot_count, fingerprint, reason, message, remedy, warnings, created_at, started_at,
              finished_at, moved_at, command_at, command_issues, command_attempts, not_before, dispatched_at, details_removed_at,
              undone_at, undone_by_run),
      insert (id, migration_id, kind, mode, priority, options, actor, plan_hash, transfuse_version, about_run),
      update (state, priority, snapshot, reason, message, remedy, started_at, moved_at, command_at, command_issues,
              command_attempts, not_before, dispatched_at)
    on transfuse.run to :role;
grant select (run_id, mapping, pass, position, depends_on, state, in_seq_order, cut_complete, driving_rows, from_rows, estimated,
              reason, message, target_schema, target_table, triggers_off, quarantine_accepted, proof),
      update (state, reason, message, quarantine_accepted)
    on transfuse.run_mapping to :role;
grant select (run_id, mapping, pass, seq, generation, state, attempts, not_before, reissues, dispatched_at, extracted_at,
              transformed_at, moved_at, settled_at, read_count, loaded, updated, unchanged, merged, filtered, quarantined,
              deleted, different, warnings, reason),
      update (state, attempts, not_before, reissues, dispatched_at, extracted_at, transformed_at, moved_at, reason)
    on transfuse.batch to :role;
grant select (id, run_id, mapping, pass, seq, generation, stage, reasons, waits_for, resolution, resolved_at, resolved_by_run,
              replay_run, created_at)
    on transfuse.quarantine to :role;
grant execute on function transfuse.replays_of(uuid), transfuse.chosen_rows(uuid, uuid[], text, text, text),
    transfuse.discard_rows(uuid, uuid[], text, text, text), transfuse.edited_keys(uuid, text)
    to :role;
grant select on transfuse.run_event, transfuse.preflight, transfuse.batch_total, transfuse.warning_total,
    transfuse.quarantine_total, transfuse.resolution_total to :role;
grant execute on function transfuse.retention_outlook(), transfuse.remove_details(uuid, uuid, integer) to :role;
grant select on transfuse.audit, transfuse.audit_head to :role;
grant select (masked) on transfuse.quarantine to :role;
grant execute on function transfuse.append_event(uuid, text, jsonb),
    transfuse.report_attempt_failed(uuid, text, smallint, integer, integer, text, integer, double precision),
    transfuse.report_command_failed(uuid, text, text, text, text, integer, double precision),
    transfuse.stop_run(uuid, text, text, text, text, text),
    transfuse.suspend_triggers(uuid, text), transfuse.restore_triggers(uuid),
    transfuse.append_audit(text, text, text, text, text, text, text, text, jsonb)
    to :role;
grant select (id, run_id, mapping, pass, seq, kind, columns, target_key, source_changed, created_at) on transfuse.finding to :role;
grant select on transfuse.finding_count to :role;
grant select on transfuse.installation to :role;
grant select, insert, update (role, password_hash, disabled_at, changed_at, last_sign_in_at) on transfuse.account to :role;
grant select, insert, update (used_at, ended_at, ended_by) on transfuse.session to :role;
grant select, insert, update (used_at) on transfuse.refresh_token to :role;
grant select, insert on transfuse.revocation to :role;
grant execute on function transfuse.forget_sign_ins() to :role;
grant select on transfuse.unchecked, transfuse.validation to :role;
grant execute on function transfuse.drop_shadow(uuid) to :role;

-- name: extractor
grant select, insert, update on transfuse.met_code to :role;
grant select, insert, update on transfuse.validation to :role;
grant select, insert on transfuse.unchecked to :role;
grant select on transfuse.plan, transfuse.migration, transfuse.run, transfuse.service_role, transfuse.target_schema to :role;
grant select on transfuse.finding to :role;
grant select, insert on transfuse.finding_count to :role;
grant update (state, compiled, duckdb_version, snapshot, snapshot_holder, snapshot_at, snapshot_ids, snapshot_count, fingerprint, reason,
              message, remedy, warnings, started_at, finished_at, moved_at)
    on transfuse.run to :role;
grant select, insert on transfuse.run_key, transfuse.body to :role;
grant select, insert, update on transfuse.preflight to :role;
grant select (id, run_id, mapping, pass, seq, target_key, sealed_key, resolution, replay_run) on transfuse.quarantine to :role;
grant select (run_id, quarantine_id, mapping, target_key, "column", sealed_new, edited_at) on transfuse.quarantine_edit to :role;
grant execute on function transfuse.chosen_rows(uuid, uuid[], text, text, text) to :role;
grant select, insert, update on transfuse.run_mapping to :role;
grant select, insert,
      update (generation, state, bounds, bounds_sealed, attempts, not_before, extracted_at, moved_at, reason)
    on transfuse.batch to :role;
grant execute on function
    transfuse.append_audit(text, text, text, text, text, text, text, text, jsonb),
    transfuse.append_event(uuid, text, jsonb),
    transfuse.put_back(uuid, text, smallint, integer, integer, jsonb, double precision),
    transfuse.put_back_command(uuid, text, jsonb, double precision),
    transfuse.report_attempt_failed(uuid, text, smallint, integer, integer, text, integer, double precision),
    transfuse.report_step(uuid, text, smallint, integer, integer, text),
    transfuse.report_run_step(uuid),
    transfuse.report_command_failed(uuid, text, text, text, text, integer, double precision),
    transfuse.stop_run(uuid, text, text, text, text, text)
    to :role;

-- name: transformer
grant select (id, about_run, kind, mode, state, options, plan_hash, compiled, transfuse_version, duckdb_version, snapshot_at)
    on transfuse.run to :role;
grant select on transfuse.run_key to :role;
grant select (run_id, mapping, pass, seq, generation, state) on transfuse.batch to :role;
grant select, insert on transfuse.body to :role;
grant execute on function
    transfuse.put_back(uuid, text, smallint, integer, integer, jsonb, double precision),
    transfuse.report_attempt_failed(uuid, text, smallint, integer, integer, text, integer, double precision),
    transfuse.report_step(uuid, text, smallint, integer, integer, text),
    transfuse.stop_run(uuid, text, text, text, text, text)
    to :role;

-- name: loader
grant select on transfuse.suspended_constraint, transfuse.constraint_hold to :role;
grant execute on function transfuse.release_constraints(uuid), transfuse.constraints_to_restore(uuid),
    transfuse.restore_index(text, text, text), transfuse.restore_foreign_key(text, text, text),
    transfuse.validate_foreign_key(text, text, text), transfuse.forget_constraints(uuid) to :role;
grant select on transfuse.unchecked to :role;
grant execute on function transfuse.make_shadow(uuid, jsonb), transfuse.drop_shadow(uuid) to :role;
grant select on transfuse.plan, transfuse.migration, transfuse.run, transfuse.run_key, transfuse.target_schema,
    transfuse.suspended_trigger, transfuse.run_event to :role;
grant update (state, reason, message, remedy, warnings, started_at, finished_at, moved_at) on transfuse.run to :role;
grant insert on transfuse.run_key to :role;
grant select, insert, update (state, reason, message, proof) on transfuse.run_mapping to :role;
grant update (cut_complete, driving_rows, from_rows) on transfuse.run_mapping to :role;
grant execute on function transfuse.own_transactions(uuid) to :role;
grant select (run_id, mapping, pass, seq, generation, state, attempts, not_before, reissues, dispatched_at, extracted_at,
              transformed_at, moved_at, settled_at, read_count, loaded, updated, unchanged, merged, filtered, quarantined,
              deleted, different, warnings, reason, bounds, bounds_sealed),
      insert (run_id, mapping, pass, seq, bounds, bounds_sealed),
      update (state, moved_at, settled_at, read_count, loaded, updated, unchanged, merged, filtered, quarantined, deleted,
              different, warnings, reason)
    on transfuse.batch to :role;
grant select, insert on transfuse.manifest, transfuse.quarantine, transfuse.quarantine_edit to :role;
grant update (resolution, resolved_at, resolved_by_run) on transfuse.quarantine to :role;
grant update (applied_by_run) on transfuse.quarantine_edit to :role;
grant execute on function transfuse.start_replay(uuid, uuid[]), transfuse.edited_keys(uuid, text) to :role;
grant select, delete on transfuse.body to :role;
grant select, insert, delete on transfuse.finding, transfuse.finding_count to :role;
grant execute on function transfuse.append_event(uuid, text, jsonb),
    transfuse.put_back(uuid, text, smallint, integer, integer, jsonb, double precision),
    transfuse.put_back_command(uuid, text, jsonb, double precision),
    transfuse.report_attempt_failed(uuid, text, smallint, integer, integer, text, integer, double precision),
    transfuse.report_step(uuid, text, smallint, integer, integer, text),
    transfuse.report_run_step(uuid),
    transfuse.report_command_failed(uuid, text, text, text, text, integer, double precision),
    transfuse.stop_run(uuid, text, text, text, text, text),
    transfuse.mapped_table(uuid, text), transfuse.analyze_target(uuid, text),
    transfuse.suspend_triggers(uuid, text), transfuse.restore_triggers(uuid),
    transfuse.append_audit(text, text, text, text, text, text, text, text, jsonb)
    to :role;

-- name: notifier
grant select (hash, name, version, created_at) on transfuse.plan to :role;
grant select (run_id, mapping, pass, position, depends_on, state, in_seq_order, cut_complete, driving_rows, from_rows, estimated,
              reason, message, target_schema, target_table, triggers_off, quarantine_accepted, proof)
    on transfuse.run_mapping to :role;
grant select on transfuse.migration, transfuse.living_migration, transfuse.run_event,
    transfuse.batch_total, transfuse.warning_total, transfuse.quarantine_total, transfuse.resolution_total,
    transfuse.finding_count to :role;
grant select (id, migration_id, about_run, kind, mode, state, priority, actor, plan_hash, snapshot_at, snapshot_count, reason, message,
              remedy, warnings, created_at, started_at, finished_at, moved_at, undone_at, undone_by_run)
    on transfuse.run to :role;
grant select (run_id, mapping, pass, seq, generation, state, attempts, dispatched_at, extracted_at, transformed_at, moved_at,
              settled_at, read_count, loaded, updated, unchanged, merged, filtered, quarantined, deleted,
              different, warnings, reason)
    on transfuse.batch to :role;
grant select (run_id, mapping, pass, seq, stage, reasons, resolution) on transfuse.quarantine to :role;
grant select on transfuse.installation, transfuse.revocation to :role;

-- name: target_schema
grant usage on schema :schema to :role;
grant select, insert, update, delete on all tables in schema :schema to :role;
grant usage, select, update on all sequences in schema :schema to :role;

-- name: leave_schema
revoke all on all tables in schema :schema from :role;
revoke all on all sequences in schema :schema from :role;
revoke all on schema :schema from :role;

-- name: make_group
create role :role nologin noinherit;

-- name: make_login
create role :login login nosuperuser nocreatedb nocreaterole noreplication;

-- name: is_superuser
select rolsuper from pg_catalog.pg_roles where rolname = current_user;

-- name: current_role
select current_user;

-- name: become
grant :role to current_user;

-- name: leave
revoke :role from current_user;

-- name: audit_owner
select pg_catalog.pg_get_userbyid(c.relowner) from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass('transfuse.audit');

-- name: hand_audit_over
grant usage, create on schema transfuse to :role;
alter table transfuse.audit owner to :role;
alter table transfuse.audit_head owner to :role;
alter function transfuse.append_audit(text, text, text, text, text, text, text, text, jsonb) owner to :role;
revoke create on schema transfuse from :role;

-- name: join_group
grant :role to :login;

-- name: set_password
alter role :login password :verifier;

-- name: role_exists
select exists (select from pg_catalog.pg_roles where rolname = $1);

-- name: is_member
select pg_catalog.pg_has_role($1::text, $2::text, 'usage');

-- name: pass_row_security
alter role :login bypassrls;

-- name: passes_row_security
select rolbypassrls from pg_catalog.pg_roles where rolname = $1;

-- name: guarded_tables
select n.nspname as schema, c.relname as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any ($1::text[]) and c.relkind in ('r', 'p') and c.relrowsecurity
   and not exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid and p.polname = 'transfuse_loader')
 order by 1, 2;

-- name: admit_loader
create policy transfuse_loader on :table for all to :role using (true) with check (true);

-- name: admissions
select n.nspname as schema, c.relname as name
  from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where p.polname = 'transfuse_loader';

-- name: dismiss_loader
drop policy transfuse_loader on :table;

-- name: schema_exists
select exists (select from pg_catalog.pg_namespace where nspname = $1);

-- name: note_role
insert into transfuse.service_role (service, login_role, group_role) values ($1, $2, $3)
on conflict (service) do update set login_role = excluded.login_role, group_role = excluded.group_role;

-- name: noted_roles
select service, login_role, group_role from transfuse.service_role order by service;

-- name: noted_schemas
select name from transfuse.target_schema order by name;

-- name: note_schemas
with gone as (delete from transfuse.target_schema where name <> all ($1::text[]))
insert into transfuse.target_schema (name) select unnest($1::text[]) on conflict do nothing;

-- name: copies
-- What dry runs left: copies of tables, with rows.
select n.nspname as name
  from transfuse.run r
  join pg_catalog.pg_namespace n on n.nspname = 'transfuse_check_' || replace(r.id::text, '-', '');

-- name: drop_copies
drop schema :schema cascade;

-- name: drop_ledger
drop schema transfuse cascade;

-- name: drop_role
drop role :role;
