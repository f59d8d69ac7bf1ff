-- What each host on this database serves, as it said last.
create table plugin_hosts (
    host text collate "binary" not null,
    kind text collate "binary" not null,
    digest text collate "binary" not null,
    version text not null,
    seen_at_ms bigint not null,
    constraint plugin_hosts_pk primary key (host, kind)
);
