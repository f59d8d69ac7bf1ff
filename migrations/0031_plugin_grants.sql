-- What operators decided that plugins may reach: the last decision of each kind. Those before it stand in the records.
create table plugin_grants (
    kind text collate "binary" not null,
    revision bigint not null,
    document text not null,
    constraint plugin_grants_pk primary key (kind)
);
