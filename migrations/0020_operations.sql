-- Actions that somebody asked for, and what became of each: the work that waits, and the record of what was done.
create table operations (
    id text collate "binary" not null,
    organization_id text collate "binary" not null,
    cluster_id text collate "binary" not null,
    name text collate "binary" not null,
    subject text not null,
    input text not null,
    destructive bigint not null,
    state text collate "binary" not null,
    created_by text not null,
    created_at_ms bigint not null,
    started_at_ms bigint,
    ended_at_ms bigint,
    handle text,
    percent bigint,
    cancelled_by text,
    message text,
    output text,
    failures text not null,
    undo text,
    undoes text collate "binary",
    version bigint not null,
    constraint operations_pk primary key (id),
    constraint operations_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade
);

create index operations_cluster on operations (cluster_id, state, id);
create index operations_organization on operations (organization_id, id);
