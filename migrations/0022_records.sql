-- Who changed what, in the transaction of the change. Refers to no cluster, plan or operation: it outlives them all.
create table records (
    id text collate "binary" not null,
    organization_id text collate "binary" not null,
    cluster_id text collate "binary",
    cluster_name text collate "binary",
    at_ms bigint not null,
    actor text collate "binary" not null,
    request_id text collate "binary",
    action text collate "binary" not null,
    subject text collate "binary" not null,
    part_of text collate "binary",
    before text,
    after text,
    outcome text collate "binary" not null,
    message text,
    constraint records_pk primary key (id),
    constraint records_organization_fk foreign key (organization_id) references organizations (id)
);

create index records_cluster on records (cluster_name, id);
create index records_actor on records (actor, id);
create index records_request on records (request_id);
create index records_part_of on records (part_of);
create index records_at on records (at_ms);
