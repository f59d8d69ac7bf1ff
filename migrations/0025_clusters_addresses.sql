-- What to dial instead of what nodes advertise: rules of an inside and an outside address, and which side counts.
alter table clusters add column addresses text not null default '{}';
