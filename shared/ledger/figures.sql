-- Figures over all runs.

-- name: figures
-- A lost batch that is issued again counts where it was last seen until it moves on.
select (select count(*) from transfuse.run where state not in ('completed', 'failed', 'cancelled')) as active_runs,
       (select count(*) from transfuse.run where state = 'completed') as completed_runs,
       (select count(*) from transfuse.run where state = 'failed') as failed_runs,
       (select count(*) from transfuse.run where state = 'planning') as planning_runs,
       (select count(*) from transfuse.run where state = 'finishing') as finishing_runs,
       count(*) as batches_in_flight,
       count(*) filter (where not b.undoing and b.extracted_at is null) as extracting,
       count(*) filter (where b.extracted_at is not null and b.transformed_at is null) as transforming,
       count(*) filter (where b.transformed_at is not null) as loading,
       count(*) filter (where b.undoing) as undoing
  from (
    select b.extracted_at, b.transformed_at, active.kind = 'undo' or b.pass = 3 as undoing
      from (select id, kind from transfuse.run where state not in ('completed', 'failed', 'cancelled')) active
      join transfuse.batch b on b.run_id = active.id and b.state = 'dispatched') b;
