//! What opening refuses and names: a newer, an altered, a held, a full database, another sealing key.

use std::sync::Arc;

use sqlx::Row;

use super::{Backend, Postgres, Sqlite, event, insert_cluster};
use crate::clock::SystemClock;
use crate::store::claim::CLAIM_WAIT;
use crate::store::testing::{self, resource};
use crate::store::{Options, SealingKey, Store, StoreError, open};

on_both! {
    async fn what_was_written_is_there_when_it_is_opened_again(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let mut tx = store.begin().await.unwrap();
        let first = tx.insert_event(&event("cluster.added")).await.unwrap();
        tx.commit().await.unwrap();
        drop(store);
        let store = backend.open().await;
        assert_eq!(store.find_cluster_by_id(&lab.id).await.unwrap(), Some(lab));
        let mut tx = store.begin().await.unwrap();
        assert!(tx.insert_event(&event("cluster.added")).await.unwrap() > first);
    }

    async fn a_database_that_another_host_holds_is_refused(backend) {
        let store = backend.open().await;
        let refused = open(&backend, backend.key()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
        assert!(refused.to_string().contains("another headgate holds the database"));
        store.ping().await.unwrap();
    }

    async fn a_newer_or_altered_database_is_refused_and_left_alone(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        sqlx::query(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
            select 9000, description, success, checksum, execution_time from _sqlx_migrations where version = 1",
        )
        .execute(&store.inner.writer)
        .await
        .unwrap();
        drop(store);
        let refused = open(&backend, backend.key()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Newer { found: 9_000, .. }), "{refused}");

        let (_database, claim, writer) = open::open_writer(&backend.url(), CLAIM_WAIT).await.unwrap();
        sqlx::query("delete from _sqlx_migrations where version = 9000").execute(&writer).await.unwrap();
        let first = sqlx::query("select checksum from _sqlx_migrations where version = 1");
        let checksum: Vec<u8> = first.fetch_one(&writer).await.unwrap().get(0);
        let set = "update _sqlx_migrations set checksum = $1 where version = 1";
        sqlx::query(set).bind(&b"other"[..]).execute(&writer).await.unwrap();
        drop((claim, writer.close().await));
        let refused = open(&backend, backend.key()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Altered { version: 1 }), "{refused}");

        let (_database, claim, writer) = open::open_writer(&backend.url(), CLAIM_WAIT).await.unwrap();
        sqlx::query(set).bind(checksum).execute(&writer).await.unwrap();
        drop((claim, writer.close().await));
        assert_eq!(backend.open().await.find_cluster_by_id(&lab.id).await.unwrap(), Some(lab));
    }

    async fn secrets_open_with_their_key_alone_and_can_be_set_again(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let mut tx = store.begin().await.unwrap();
        tx.save_secret(&lab.id, "password", b"swordfish").await.unwrap();
        tx.save_secret(&lab.id, "tls_key", b"pem").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.secret_names(&lab.id).await.unwrap(), ["password", "tls_key"]);
        assert_eq!(store.open_secrets(&lab.id).await.unwrap().0["password"].as_slice(), b"swordfish");
        assert_eq!(store.unreadable_secrets(), []);
        drop(store);

        let other = SealingKey::generate().unwrap();
        let store = open(&backend, other.clone()).await.unwrap();
        let unreadable = store.unreadable_secrets();
        assert_eq!(unreadable.len(), 1);
        assert_eq!((unreadable[0].cluster.as_str(), unreadable[0].names.len()), ("lab", 2));
        let refused = store.open_secrets(&lab.id).await.unwrap_err().to_string();
        assert!(refused.contains("headgate cluster set lab --secret"), "{refused}");
        assert!(!refused.contains("swordfish"));
        let mut tx = store.begin().await.unwrap();
        tx.save_secret(&lab.id, "password", b"new").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.unreadable_secrets()[0].names, ["tls_key"]);
        let mut tx = store.begin().await.unwrap();
        tx.delete_secret(&lab.id, "tls_key").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.unreadable_secrets(), []);
        drop(store);
        let store = open(&backend, other).await.unwrap();
        assert_eq!(store.unreadable_secrets(), []);
        assert_eq!(store.open_secrets(&lab.id).await.unwrap().0["password"].as_slice(), b"new");
    }

    async fn readers_cannot_write_and_see_nothing_before_the_commit(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let mut tx = store.begin().await.unwrap();
        tx.save_resources(&lab.id, &mut [resource("a")]).await.unwrap();
        assert_eq!(tx.find_resources(&lab.id, &[resource("a").key]).await.unwrap().len(), 1);
        assert_eq!(store.find_resource(&lab.id, &resource("a").key).await.unwrap(), None);
        drop(tx);
        let mut reader = store.reader().await.unwrap();
        let refused = sqlx::query("delete from clusters").execute(&mut *reader).await.unwrap_err();
        let refused = StoreError::from(refused);
        assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused:?}");
        drop(reader);
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.find_resources(&lab.id, &[resource("a").key]).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_full_disk_is_named_and_loses_nothing() {
    let store = testing::store().await;
    let lab = insert_cluster(&store, "lab").await;
    let pages = sqlx::query("pragma page_count").fetch_one(&store.inner.writer).await.unwrap();
    let pages: i64 = pages.get(0);
    let limit = sqlx::AssertSqlSafe(format!("pragma max_page_count = {}", pages + 4));
    sqlx::query(limit).execute(&store.inner.writer).await.unwrap();
    let mut rows: Vec<_> = (0..900).map(|number| resource(&format!("t{number}"))).collect();
    let mut tx = store.begin().await.unwrap();
    let refused = tx.save_resources(&lab.id, &mut rows).await.unwrap_err();
    assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    assert!(rows.iter().all(|row| row.version == 0));
    drop(tx);
    assert_eq!(store.count_resources(&lab.id).await.unwrap(), []);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.save_resources(&lab.id, &mut rows[..1]).await.unwrap(), []);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_of_postgres_is_named() {
    let store = Postgres::start().await.open().await;
    let full = "do $$ begin raise exception using errcode = '53100'; end $$";
    let refused = sqlx::query(full).execute(&store.inner.writer).await.unwrap_err();
    assert!(matches!(StoreError::from(refused), StoreError::Full { .. }));
}

#[tokio::test]
async fn what_is_no_database_is_named() {
    let backend = Sqlite::start();
    std::fs::write(backend.path(), "not a database, but long enough to be looked at as one".repeat(40))
        .unwrap();
    let refused = open(&backend, backend.key()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
    for url in ["mysql://x/y", "sqlite://", "headgate.db"] {
        let options = Options { url: url.to_owned(), key: backend.key() };
        let refused = Store::open(options, Arc::new(SystemClock)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Address { .. }), "{refused:?}");
    }
    let options = Options { url: "postgres://me:geheim@127.0.0.1:1/x".to_owned(), key: backend.key() };
    let refused = Store::open(options, Arc::new(SystemClock)).await.unwrap_err().to_string();
    assert!(refused.contains("postgres://me@127.0.0.1:1/x") && !refused.contains("geheim"), "{refused}");
}

#[test]
fn the_database_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let backend = Sqlite::start();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = backend.open().await;
        insert_cluster(&store, "lab").await;
        for suffix in ["", "-wal", ".lock"] {
            let mut path = backend.path().into_os_string();
            path.push(suffix);
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    });
}

#[test]
fn any_path_makes_a_url_and_comes_back() {
    for path in ["/data/headgate.db", "/a b/ä#?%20/x.db", "relative.db"] {
        let url = open::sqlite_url(std::path::Path::new(path));
        assert_eq!(open::sqlite_path(&url).unwrap(), std::path::Path::new(path));
    }
}

async fn open(backend: &impl Backend, key: SealingKey) -> Result<Store, StoreError> {
    Store::open(Options { url: backend.url(), key }, Arc::new(SystemClock)).await
}
