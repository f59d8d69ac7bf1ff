-- Failures of plugins, the newest of each kind.
create table plugin_incidents (
    id text collate "binary" not null,
    kind text collate "binary" not null,
    document text not null,
    constraint plugin_incidents_pk primary key (id)
);

create index plugin_incidents_kind on plugin_incidents (kind, id);
