-- What is remembered of each kind: the versions that served, what was taken back, whether it is disabled.
create table plugins (
    kind text collate "binary" not null,
    document text not null,
    constraint plugins_pk primary key (kind)
);
