-- What the database says of itself: the sealed check value that tells whether a sealing key fits.
create table meta (
    name text collate "binary" not null,
    value bytea not null,
    constraint meta_pk primary key (name)
);
