-- Wishes that named no place, of types that live on groups or nodes: they hold for those that join later too.
create table standing_wishes (
    cluster_id text collate "binary" not null,
    type text collate "binary" not null,
    id text collate "binary" not null,
    organization_id text collate "binary" not null,
    spec text not null,
    places text collate "binary" not null,
    constraint standing_wishes_pk primary key (cluster_id, type, id),
    constraint standing_wishes_cluster_fk foreign key (cluster_id) references clusters (id) on delete cascade
);
