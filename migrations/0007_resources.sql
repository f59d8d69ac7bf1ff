-- Every resource of every type of every kind: the three images, ownership and status.
create table resources (
    cluster_id text collate "binary" not null,
    type text collate "binary" not null,
    id text collate "binary" not null,
    place text collate "binary" not null,
    organization_id text collate "binary" not null,
    desired text,
    applied text,
    presence text collate "binary" not null,
    observed text not null,
    status_document text not null,
    revision text collate "binary",
    incarnation text collate "binary",
    internal bigint not null,
    partial bigint not null,
    owned bigint not null,
    owned_incarnation text collate "binary",
    difference text collate "binary" not null,
    activity text not null,
    status text collate "binary" not null,
    written_at_ms bigint,
    updated_at_ms bigint not null,
    version bigint not null,
    constraint resources_pk primary key (cluster_id, type, id, place),
    constraint resources_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade
);

create index resources_status on resources (cluster_id, type, status);
