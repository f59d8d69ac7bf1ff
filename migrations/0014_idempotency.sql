-- Answers to creating calls, so that a repeated call gets the first one's answer.
create table idempotency (
    organization_id text collate "binary" not null,
    key text collate "binary" not null,
    request_hash text collate "binary" not null,
    status bigint not null,
    body text not null,
    at_ms bigint not null,
    constraint idempotency_pk primary key (organization_id, key),
    constraint idempotency_organization_fk foreign key (organization_id) references organizations (id)
);
