-- Who told of a relation: a person (hand), the cluster's own configuration (found), or both.
alter table relations add column source text not null default 'hand';
