-- Typed edges between clusters: what registers with, stores in, replicates to or runs on what.
create table relations (
    cluster_id text collate "binary" not null,
    relation text collate "binary" not null,
    target_id text collate "binary" not null,
    organization_id text collate "binary" not null,
    created_by text not null,
    created_at_ms bigint not null,
    constraint relations_pk primary key (cluster_id, relation, target_id),
    constraint relations_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade,
    constraint relations_target_fk foreign key (target_id) references clusters (id) on delete cascade
);

create index relations_target on relations (target_id);
create index relations_organization on relations (organization_id, cluster_id);
