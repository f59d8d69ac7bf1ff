-- Who wants a plan that is being applied to end early: a restart must not forget it. Null: nobody.
alter table plans add column cancelled_by text;
