-- The small key-value space of each plugin with each cluster.
create table plugin_state (
    kind text collate "binary" not null,
    cluster_id text collate "binary" not null,
    key text collate "binary" not null,
    organization_id text collate "binary" not null,
    value bytea not null,
    constraint plugin_state_pk primary key (kind, cluster_id, key),
    constraint plugin_state_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade
);
