-- Who lets the plan be applied, and the id of the call that said so: the records of its steps name both. Null: nobody yet.
alter table plans add column approved_by text;
alter table plans add column approved_request_id text;
