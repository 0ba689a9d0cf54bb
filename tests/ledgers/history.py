"""Runs that ended long ago, as plain rows."""

from __future__ import annotations

ELEVEN_RUNS = """
insert into transfuse.plan (hash, name, version, files) values ('h', 'clinic', 1, '{}');
insert into transfuse.migration (id, name, plan_name) values (gen_random_uuid(), 'clinic', 'clinic');
insert into transfuse.run (id, migration_id, kind, mode, state, actor, plan_hash, transfuse_version, created_at)
select gen_random_uuid(), m.id, 'migrate', 'insert', 'completed', 'tester', 'h', '0', now() - make_interval(mins => n)
  from transfuse.migration m, generate_series(1, 11) n;
insert into transfuse.run_mapping (run_id, mapping, position) select id, 'doctors', 0 from transfuse.run;
insert into transfuse.batch (run_id, mapping, seq, state, read_count, loaded)
select id, 'doctors', n, 'settled', 10, 10 from transfuse.run, generate_series(1, 2500) n;
"""
"""Completed runs of one mapping with 2,500 batches each: one is beyond retention."""
