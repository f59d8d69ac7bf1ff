-- Secrets of the clusters' connections, sealed with the host's key.
create table secrets (
    cluster_id text collate "binary" not null,
    name text collate "binary" not null,
    organization_id text collate "binary" not null,
    sealed bytea not null,
    updated_at_ms bigint not null,
    constraint secrets_pk primary key (cluster_id, name),
    constraint secrets_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade
);
