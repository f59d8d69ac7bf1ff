-- When it was proposed to adopt what the first complete sweep found. Null: not yet.
alter table sweeps add column adopt_proposed_at_ms bigint;
