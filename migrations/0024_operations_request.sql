-- The id of the call that asked for it. Null: it was asked for before records were kept.
alter table operations add column request_id text;
