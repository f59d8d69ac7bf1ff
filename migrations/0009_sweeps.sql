-- The last listing of each type at each place: what the age of its resources is read from.
create table sweeps (
    cluster_id text collate "binary" not null,
    type text collate "binary" not null,
    place text collate "binary" not null,
    organization_id text collate "binary" not null,
    started_at_ms bigint not null,
    ended_at_ms bigint not null,
    complete_at_ms bigint,
    seen bigint not null,
    changed bigint not null,
    failures text not null,
    constraint sweeps_pk primary key (cluster_id, type, place),
    constraint sweeps_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade
);
