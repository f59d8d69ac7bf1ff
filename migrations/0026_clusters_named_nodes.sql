-- Nodes that a person named: more addresses to begin at, and members that the backend does not tell of.
alter table clusters add column named_nodes text not null default '[]';
