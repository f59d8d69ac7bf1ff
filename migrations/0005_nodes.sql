-- The nodes that discovery showed. One that is gone stays, until a person removes it.
create table nodes (
    cluster_id text collate "binary" not null,
    id text collate "binary" not null,
    organization_id text collate "binary" not null,
    document text not null,
    seen_at_ms bigint not null,
    constraint nodes_pk primary key (cluster_id, id),
    constraint nodes_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade
);
