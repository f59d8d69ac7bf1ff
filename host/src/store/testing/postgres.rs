//! One private PostgreSQL for the tests of this process, with a database for each test.
//!
//! Its databases sort text by ICU's rules for American English, so that a column without its own collation shows.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{Connection, Executor, PgConnection};

use super::Backend;
use crate::store::SealingKey;

/// Below `/usr/lib`, where the packages of Debian and Ubuntu put it.
const INSTALLED: &str = "/usr/lib/postgresql";

/// An empty database on it.
pub(crate) struct Postgres {
    url: String,
    key: SealingKey,
}

impl Postgres {
    pub(crate) async fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = tokio::task::spawn_blocking(server).await.unwrap();
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
        let create =
            format!("create database {name} template template0 locale_provider icu icu_locale 'en-US'");
        connection.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
        connection.close().await.unwrap();
        Self { url: server.url(&name), key: SealingKey::generate().unwrap() }
    }
}

impl Backend for Postgres {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn key(&self) -> SealingKey {
        self.key.clone()
    }
}

struct Server {
    /// Holds the data and the socket.
    folder: PathBuf,
}

impl Server {
    fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}/{database}")
    }
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(start)
}

fn start() -> Server {
    let programs = installed();
    // Short, and of the user that the server runs as: a socket's path is limited to 107 bytes.
    let folder = tempfile::Builder::new().prefix("hg-pg-").tempdir().unwrap().keep();
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(&folder));
    }
    let data = folder.join("data");
    run(as_server_user(&programs.join("initdb"))
        .args(["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"])
        .arg(&data));
    let mut server = as_server_user(&programs.join("postgres"));
    server.arg("-D").arg(&data).arg("-k").arg(&folder).args(["-h", "", "-c", "fsync=off"]);
    let log = std::fs::File::create(folder.join("log")).unwrap();
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    drop(server.spawn().unwrap());
    stop_with_this_process(&data, &folder);
    let ready = programs.join("pg_isready");
    for _attempt in 0..300 {
        let asked = Command::new(&ready).arg("-q").arg("-h").arg(&folder).status().unwrap();
        if asked.success() {
            return Server { folder };
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("PostgreSQL does not start: {}", std::fs::read_to_string(folder.join("log")).unwrap());
}

/// Waits for the end of the test process, however it ends, then stops the server and removes its folder.
fn stop_with_this_process(data: &Path, folder: &Path) {
    let script = r#"
        while kill -0 "$0" 2>/dev/null; do sleep 0.5; done
        pid=$(head -n 1 "$1/postmaster.pid") && kill -INT "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
        rm -rf "$2"
    "#;
    let mut watchdog = Command::new("setsid");
    watchdog.args(["sh", "-c", script]).arg(std::process::id().to_string()).arg(data).arg(folder);
    watchdog.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    drop(watchdog.spawn().unwrap());
}

/// The newest version's programs.
fn installed() -> PathBuf {
    let versions = std::fs::read_dir(INSTALLED).into_iter().flatten().flatten();
    let programs = versions.map(|version| version.path().join("bin"));
    programs
        .filter(|programs| programs.join("initdb").exists())
        .max_by_key(|programs| {
            let version = programs.parent().and_then(Path::file_name).map(|name| name.to_string_lossy());
            version.and_then(|version| version.parse::<u32>().ok())
        })
        .unwrap_or_else(|| panic!("the tests need PostgreSQL: apt-get install postgresql"))
}

fn is_root() -> bool {
    let told = Command::new("id").arg("-u").output().unwrap();
    told.stdout.trim_ascii() == b"0"
}

/// PostgreSQL refuses to run as root.
fn as_server_user(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program).current_dir("/");
        command
    } else {
        Command::new(program)
    }
}

fn run(command: &mut Command) {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}
