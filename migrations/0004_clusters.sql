-- Registered clusters. `connection` names the secrets and does not hold them.
create table clusters (
    id text collate "binary" not null,
    organization_id text collate "binary" not null,
    name text collate "binary" not null,
    kind text collate "binary" not null,
    connection text not null,
    credential_revision bigint not null,
    authority text collate "binary" not null,
    paused bigint not null,
    identity text collate "binary",
    backend_version text,
    facts text not null,
    discovered_at_ms bigint,
    reach text not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    version bigint not null,
    constraint clusters_pk primary key (id),
    constraint clusters_name_unique unique (organization_id, name),
    constraint clusters_organization_fk foreign key (organization_id) references organizations (id)
);

create index clusters_identity on clusters (kind, identity);
