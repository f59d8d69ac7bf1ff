-- Plans: what would be changed, why, and what became of it. The steps have a table of their own.
create table plans (
    id text collate "binary" not null,
    organization_id text collate "binary" not null,
    cluster_id text collate "binary" not null,
    state text collate "binary" not null,
    reason text not null,
    created_by text not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    wishes text not null,
    base text not null,
    blocked text not null,
    warnings text not null,
    unchanged bigint not null,
    exceeded text not null,
    allow_destructive bigint not null,
    deletes_max bigint,
    message text,
    version bigint not null,
    constraint plans_pk primary key (id),
    constraint plans_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade
);

create index plans_cluster on plans (cluster_id, state, id);
create index plans_organization on plans (organization_id, id);
