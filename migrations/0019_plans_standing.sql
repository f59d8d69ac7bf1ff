-- What the plan makes of the wishes that named no place.
alter table plans add column standing text not null default '[]';
