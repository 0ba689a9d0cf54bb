-- Figures over all runs.

-- name: figures
select (select count(*) from transfuse.run where state not in ('completed', 'failed', 'cancelled')) as active_runs,
       (select count(*) from transfuse.run where state = 'completed') as completed_runs,
       (select count(*) from transfuse.run where state = 'failed') as failed_runs,
       (select count(*)
          from (select id from transfuse.run where state not in ('completed', 'failed', 'cancelled')) active
          join transfuse.batch b on b.run_id = active.id and b.state = 'dispatched') as batches_in_flight;
