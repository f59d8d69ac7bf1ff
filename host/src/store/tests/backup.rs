//! Backups go from either database into either, and a broken one changes nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use sqlx::{Column, Row, TypeInfo};

use super::aggregates::{plan, token};
use super::{Backend, Postgres, Sqlite, event, insert_cluster};
use crate::clock::SystemClock;
use crate::domain::cluster::Cluster;
use crate::store::backup::{self, backup, restore};
use crate::store::testing::resource;
use crate::store::{Options, RestoreOptions, SealingKey, Store, StoreError};

on_both! {
    async fn a_backup_goes_into_either_database(backend) {
        let store = backend.open().await;
        let lab = fill(&store).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        let taken = store.backup(&file).await.unwrap();
        assert!(taken.rows > 1_200);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let beside = folder.path().join("beside");
        let options = Options { url: backend.url(), key: backend.key() };
        assert_eq!(backup(&options, 5, &beside).await.unwrap().rows, taken.rows);
        check_restored(&Sqlite::start(), &file, &store, &lab).await;
        check_restored(&Postgres::start().await, &beside, &store, &lab).await;
    }

    async fn restoring_refuses_what_is_not_empty_unless_told(backend) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        let source = Sqlite::start();
        let other = source.open().await;
        let lab = fill(&other).await;
        other.backup(&file).await.unwrap();

        let store = backend.open().await;
        let mine = insert_cluster(&store, "mine").await;
        let key_path = folder.path().join("key");
        backend.key().write_new(&key_path).unwrap();
        let mut into = RestoreOptions { url: backend.url(), key_path: key_path.clone(), replace: false };
        let refused = restore(&file, &into).await.unwrap_err();
        assert!(matches!(refused, StoreError::OtherKey { .. }), "{refused}");
        into.key_path = folder.path().join("new_key");
        let refused = restore(&file, &into).await.unwrap_err();
        assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
        drop(store);
        let refused = restore(&file, &into).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotEmpty { table: "clusters" }), "{refused}");
        assert!(backend.open().await.find_cluster_by_id(&mine.id).await.unwrap().is_some());

        into.key_path = key_path.clone();
        into.replace = true;
        restore(&file, &into).await.unwrap();
        let key = SealingKey::load(&key_path).unwrap();
        let options = Options { url: backend.url(), key };
        let store = Store::open(options, Arc::new(SystemClock)).await.unwrap();
        assert_eq!(store.all_clusters().await.unwrap(), std::slice::from_ref(&lab));
        assert_eq!(store.unreadable_secrets(), []);
    }

    async fn a_broken_backup_changes_nothing(backend) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        let source = Sqlite::start();
        let other = source.open().await;
        fill(&other).await;
        other.backup(&file).await.unwrap();
        let whole = std::fs::read_to_string(&file).unwrap();
        let last = whole.trim_end().rfind('\n').unwrap();
        let header = whole.find('\n').unwrap();
        let inside = whole[..whole.len() / 2].rfind('\n').unwrap() - 3;
        let broken = [
            ("cut off", whole[..last + 1].to_owned()),
            ("malformed", whole[..inside].to_owned()),
            ("first line", String::new()),
            ("first line", "{\"x\":1}\n".to_owned()),
            ("rows were written", whole.replace("\"rows\":", "\"rows\":9")),
            ("not known", whole.replace("\"table\":\"steps\"", "\"table\":\"_sqlx_migrations\"")),
            ("neither a table nor a row", format!("{}\nx{}", &whole[..header], &whole[header..])),
            ("newer headgate", whole.replacen("\"schema\":", "\"schema\":9", 1)),
        ];
        let into =
            RestoreOptions { url: backend.url(), key_path: folder.path().join("key"), replace: false };
        for (expected, text) in broken {
            std::fs::write(&file, text).unwrap();
            let refused = restore(&file, &into).await.unwrap_err().to_string();
            assert!(refused.contains(expected), "{expected}: {refused}");
            assert!(!into.key_path.exists());
        }
        assert_eq!(backend.open().await.all_clusters().await.unwrap(), []);
    }

    async fn the_tables_of_a_backup_are_those_of_the_migrations(backend) {
        let store = backend.open().await;
        for table in backup::TABLES {
            // One row of nulls, so that the columns are described though the table may be empty.
            let select = format!("select t.* from (select 1 as one) as o left join {} as t on 1 = 0", table.name);
            let row = sqlx::query(sqlx::AssertSqlSafe(select)).fetch_one(&store.inner.writer).await.unwrap();
            let names: Vec<&str> = row.columns().iter().map(Column::name).collect();
            let known: Vec<&str> = table.columns.iter().map(|(name, _sort)| *name).collect();
            assert_eq!(names, known, "{} ({})", table.name, row.columns()[0].type_info().name());
        }
        let migrations = crate::store::open::MIGRATOR.iter().map(|migration| migration.sql.as_str());
        let made: usize = migrations.map(|sql| sql.matches("create table").count()).sum();
        assert_eq!(made, backup::TABLES.len());
    }
}

async fn fill(store: &Store) -> Cluster {
    let lab = insert_cluster(store, "lab").await;
    let mut rows: Vec<_> = (0..1_200).map(|number| resource(&format!("t{number:05}"))).collect();
    rows[3].applied = None;
    rows[3].written_at_ms = None;
    let mut tx = store.begin().await.unwrap();
    tx.save_resources(&lab.id, &mut rows).await.unwrap();
    tx.save_secret(&lab.id, "password", b"swordfish").await.unwrap();
    tx.insert_plan(&plan(&lab.id, 3)).await.unwrap();
    tx.insert_token(&token(&lab.organization), b"hash").await.unwrap();
    tx.insert_event(&event("cluster.added")).await.unwrap();
    tx.commit().await.unwrap();
    store.set_state("kafka", &lab.id, "cursor", b"\x00\xff", 1).await.unwrap();
    lab
}

async fn check_restored(target: &impl Backend, file: &Path, source: &Store, lab: &Cluster) {
    let folder = tempfile::tempdir().unwrap();
    let key_path = folder.path().join("key");
    let into = RestoreOptions { url: target.url(), key_path: key_path.clone(), replace: false };
    restore(file, &into).await.unwrap();
    let options = Options { url: target.url(), key: SealingKey::load(&key_path).unwrap() };
    let store = Store::open(options, Arc::new(SystemClock)).await.unwrap();
    assert_eq!(store.find_cluster_by_id(&lab.id).await.unwrap().as_ref(), Some(lab));
    assert_eq!(store.open_secrets(&lab.id).await.unwrap().0["password"].as_slice(), b"swordfish");
    let all = crate::store::ResourceFilter::default();
    let restored = store.list_resources(&lab.id, &all, None, 5_000).await.unwrap();
    assert_eq!(restored, source.list_resources(&lab.id, &all, None, 5_000).await.unwrap());
    let plans = |store: &Store| {
        let (store, organization) = (store.clone(), lab.organization.clone());
        async move { store.list_plans(&organization, None, &[], None, 9).await.unwrap() }
    };
    assert_eq!(plans(&store).await, plans(source).await);
    assert!(store.find_token_by_hash(b"hash").await.unwrap().is_some());
    assert_eq!(store.get_state("kafka", &lab.id, "cursor").await.unwrap().unwrap(), b"\x00\xff");
    assert_eq!(store.newest_event_id().await.unwrap(), source.newest_event_id().await.unwrap());
}
