-- Who owns things. One organization until there are several.
create table organizations (
    id text collate "binary" not null,
    name text collate "binary" not null,
    created_at_ms bigint not null,
    constraint organizations_pk primary key (id),
    constraint organizations_name_unique unique (name)
);

insert into organizations (id, name, created_at_ms)
values ('00000000-0000-7000-8000-000000000001', 'default', 0);
