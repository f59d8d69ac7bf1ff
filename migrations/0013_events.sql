-- What happened, in the order of the ids. Outlives the cluster that it speaks of.
create table events (
    id text collate "binary" not null,
    organization_id text collate "binary" not null,
    cluster_id text collate "binary",
    at_ms bigint not null,
    kind text collate "binary" not null,
    subject text not null,
    data text not null,
    actor text not null,
    constraint events_pk primary key (id),
    constraint events_organization_fk foreign key (organization_id) references organizations (id)
);

create index events_cluster on events (cluster_id, id);
create index events_at on events (at_ms);
