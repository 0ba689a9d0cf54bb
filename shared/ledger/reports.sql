-- What services report of their work. Every one of them is a function of the ledger, so that no service needs more rights.

-- name: attempt_failed
select transfuse.report_attempt_failed($1, $2, $3, $4, $5, $6, $7, $8);

-- name: step
select transfuse.report_step($1, $2, $3, $4, $5, $6);

-- name: run_step
select transfuse.report_run_step($1);

-- name: command_failed
select transfuse.report_command_failed($1, $2, $3, $4, $5, $6, $7);

-- name: stop_run
select transfuse.stop_run($1, $2, $3, $4, $5, $6);

-- name: put_back
select transfuse.put_back($1, $2, $3, $4, $5, $6::jsonb, $7);

-- name: put_back_command
select transfuse.put_back_command($1, $2, $3::jsonb, $4);

-- name: event
select transfuse.append_event($1, $2, $3::jsonb);
