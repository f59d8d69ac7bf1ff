-- Policies of a cluster, of a type in it (`type`), of a resource in it (`id` too). An empty text is "not narrowed".
create table policies (
    cluster_id text collate "binary" not null,
    type text collate "binary" not null,
    id text collate "binary" not null,
    organization_id text collate "binary" not null,
    document text not null,
    constraint policies_pk primary key (cluster_id, type, id),
    constraint policies_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade
);
