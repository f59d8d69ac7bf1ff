-- Access tokens of the API. Only the hash of a token is kept.
create table tokens (
    id text collate "binary" not null,
    organization_id text collate "binary" not null,
    name text collate "binary" not null,
    role text collate "binary" not null,
    hash bytea not null,
    created_at_ms bigint not null,
    expires_at_ms bigint,
    constraint tokens_pk primary key (id),
    constraint tokens_hash_unique unique (hash),
    constraint tokens_organization_fk foreign key (organization_id) references organizations (id)
);
