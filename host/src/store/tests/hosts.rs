//! Several hosts on one PostgreSQL: one writes, the others read beside it, and no two ever write.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::{Backend, Postgres, Sqlite, insert_cluster};
use crate::clock::SystemClock;
use crate::domain::host::ActiveHost;
use crate::domain::plugin::HostVersion;
use crate::store::{LOSS_NOTICED, Options, SealingKey, Store, StoreError};

fn options(backend: &impl Backend) -> Options {
    Options { url: backend.url(), key: backend.key() }
}

async fn beside(backend: &impl Backend) -> Result<Store, StoreError> {
    Store::stand_by(options(backend), Arc::new(SystemClock)).await
}

async fn take_over(backend: &impl Backend) -> Result<Store, StoreError> {
    Store::take_over(options(backend), Arc::new(SystemClock)).await
}

/// Ends the session that holds the claim, as a server does that loses sight of its client.
async fn cut_claim(backend: &Postgres) {
    let mut connection = PgConnection::connect(&backend.url()).await.unwrap();
    let cut = "select pg_terminate_backend(pid)
        from pg_locks
        where locktype = 'advisory' and granted
            and (classid::bigint << 32) | objid::bigint = x'6865616467617465'::bigint
            and database = (select oid from pg_database where datname = current_database())";
    assert_eq!(sqlx::query(cut).fetch_all(&mut connection).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_host_that_stands_by_reads_and_writes_nothing_but_what_it_serves() {
    let backend = Postgres::start().await;
    let active = backend.open().await;
    let lab = insert_cluster(&active, "lab").await;
    let beside = beside(&backend).await.unwrap();
    assert_eq!(beside.find_cluster_by_id(&lab.id).await.unwrap(), Some(lab));
    assert!(matches!(beside.begin().await.err().unwrap(), StoreError::StandsBy));
    let refused = sqlx::query("delete from clusters").execute(&beside.inner.writer).await.unwrap_err();
    assert!(matches!(StoreError::from(refused), StoreError::ReadOnly { .. }));

    let (host, digest, version) = ("two".to_owned(), "d".to_owned(), "1.0.0".to_owned());
    let serves = [("toy".to_owned(), HostVersion { host, digest, version, seen_at_ms: 5 })];
    beside.save_plugin_host("two", &serves).await.unwrap();
    assert_eq!(active.list_plugin_hosts(0).await.unwrap(), serves);
}

#[tokio::test]
async fn who_is_active_is_known_to_the_others_until_it_ends() {
    let backend = Postgres::start().await;
    let active = backend.open().await;
    let beside = beside(&backend).await.unwrap();
    assert_eq!(beside.active_host().await.unwrap(), None);
    let told = ActiveHost { host: "one".to_owned(), url: "http://one:7654".to_owned() };
    active.announce(&told).await.unwrap();
    active.announce(&told).await.unwrap();
    assert_eq!(beside.active_host().await.unwrap(), Some(told));
    active.withdraw().await.unwrap();
    assert_eq!(beside.active_host().await.unwrap(), None);

    assert!(matches!(take_over(&backend).await.unwrap_err(), StoreError::Locked { .. }));
    active.close().await;
    // Somebody may still hold it in memory: closed is closed.
    insert_cluster(&take_over(&backend).await.unwrap(), "lab").await;
    assert!(active.begin().await.is_err());
}

#[tokio::test]
async fn a_host_that_lost_its_claim_notices_and_nobody_writes_before_it_ended() {
    let backend = Postgres::start().await;
    let active = backend.open().await;
    insert_cluster(&active, "lab").await;
    cut_claim(&backend).await;
    let taking_over = take_over(&backend);
    tokio::pin!(taking_over);
    let early = tokio::time::timeout(Duration::from_millis(500), &mut taking_over).await;
    assert!(early.is_err(), "the session that writes still lives: {early:?}");
    insert_cluster(&active, "written beside nobody").await;
    tokio::time::timeout(LOSS_NOTICED, active.lost()).await.expect("it notices");
    active.close().await;
    let next = taking_over.await.unwrap();
    assert_eq!(next.all_clusters().await.unwrap().len(), 2);
    insert_cluster(&next, "third").await;
}

#[tokio::test]
async fn a_host_keeps_its_claim_when_the_session_that_writes_is_cut() {
    let backend = Postgres::start().await;
    let active = backend.open().await;
    let cut = "select pg_terminate_backend(pg_backend_pid())";
    assert!(sqlx::query(cut).execute(&active.inner.writer).await.is_err());
    insert_cluster(&active, "lab").await;
    assert!(matches!(take_over(&backend).await.unwrap_err(), StoreError::Locked { .. }));
}

#[tokio::test]
async fn a_database_of_another_version_or_key_is_not_stood_by() {
    let backend = Postgres::start().await;
    let active = backend.open().await;
    let key = SealingKey::generate().unwrap();
    let refused = Store::stand_by(Options { url: backend.url(), key }, Arc::new(SystemClock)).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, StoreError::ForeignKey), "{refused}");
    assert!(refused.to_string().contains("--key-file"), "{refused}");

    let standing = beside(&backend).await.unwrap();
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        select 9000, description, success, checksum, execution_time from _sqlx_migrations where version = 1";
    sqlx::query(newer).execute(&active.inner.writer).await.unwrap();
    for refused in [beside(&backend).await.unwrap_err(), standing.check_schema().await.unwrap_err()] {
        assert!(matches!(refused, StoreError::Newer { found: 9_000, .. }), "{refused}");
    }
    let older = "delete from _sqlx_migrations where version > 30";
    sqlx::query(older).execute(&active.inner.writer).await.unwrap();
    let refused = beside(&backend).await.unwrap_err();
    assert!(matches!(refused, StoreError::Older { found: 30, .. }), "{refused}");
    assert!(refused.to_string().contains("stand by with its version"), "{refused}");
    sqlx::query("drop table _sqlx_migrations").execute(&active.inner.writer).await.unwrap();
    let refused = beside(&backend).await.unwrap_err();
    assert!(matches!(refused, StoreError::Older { found: 0, .. }), "{refused}");
}

#[tokio::test]
async fn a_file_has_no_second_host() {
    let backend = Sqlite::start();
    let _active = backend.open().await;
    assert!(matches!(beside(&backend).await.unwrap_err(), StoreError::Locked { .. }));
}
