-- Steps of plans. `document` holds what never changes, the columns beside it what execution changes.
create table steps (
    plan_id text collate "binary" not null,
    seq bigint not null,
    organization_id text collate "binary" not null,
    type text collate "binary" not null,
    id text collate "binary" not null,
    place text collate "binary" not null,
    verb text collate "binary" not null,
    summary text not null,
    destructive bigint not null,
    document text not null,
    state text collate "binary" not null,
    attempt bigint not null,
    outcome text,
    message text,
    started_at_ms bigint,
    ended_at_ms bigint,
    constraint steps_pk primary key (plan_id, seq),
    constraint steps_plan_fk foreign key (plan_id) references plans (id) on delete cascade
);
