-- Changes of status, kept for a while.
create table transitions (
    uid text collate "binary" not null,
    cluster_id text collate "binary" not null,
    type text collate "binary" not null,
    id text collate "binary" not null,
    place text collate "binary" not null,
    organization_id text collate "binary" not null,
    from_status text collate "binary" not null,
    to_status text collate "binary" not null,
    cause text not null,
    at_ms bigint not null,
    constraint transitions_pk primary key (uid),
    constraint transitions_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade
);

create index transitions_resource on transitions (cluster_id, type, id, place, uid);
create index transitions_at on transitions (at_ms);
