//! Secured clusters: every way to log in works, and a secret stays inside.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Kafka, Output, for_each_database};

use crate::topics::{apply, own};

for_each_database!(
    every_way_to_log_in_works,
    a_secured_cluster_is_written_by_scram_over_tls,
    what_is_wrong_with_a_login_is_said,
    a_secret_is_never_shown,
    a_secret_is_taken_from_standard_input,
);

const PASSWORD: &str = "admin-secret";

/// Security, mechanism and the start script's name of the listener.
const LOGINS: [(&str, &str, &str); 7] = [
    ("SASL_SSL", "SCRAM-SHA-512", "BOOTSTRAP_SASL_SSL"),
    ("SASL_SSL", "SCRAM-SHA-256", "BOOTSTRAP_SASL_SSL"),
    ("SASL_SSL", "PLAIN", "BOOTSTRAP_SASL_SSL"),
    ("SASL_PLAINTEXT", "SCRAM-SHA-512", "BOOTSTRAP_SASL"),
    ("SASL_PLAINTEXT", "SCRAM-SHA-256", "BOOTSTRAP_SASL"),
    ("SASL_PLAINTEXT", "PLAIN", "BOOTSTRAP_SASL"),
    ("SSL", "", "BOOTSTRAP_TLS"),
];

fn every_way_to_log_in_works(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_secure()?, Host::start(database)?);
    let name = own("login", database);
    kafka.create_topic(&name, 1, &[])?;
    for (number, (security, mechanism, listener)) in LOGINS.into_iter().enumerate() {
        // The same cluster each time: only one registration of it may write.
        let cluster = format!("c{number}");
        let login = Login { security, mechanism, bootstrap: kafka.fact(listener)?, ..Login::admin(kafka)? };
        login.add(&host, &cluster, &["--authority", "observe"])?.ok()?;
        host.cli(&["sync", &cluster])?.ok().with_context(|| format!("{security} {mechanism}"))?;
        let topics = host.cli(&["get", "topic", "-c", &cluster])?;
        assert!(topics.ok()?.contains(&name), "{security} {mechanism}: {topics}");
    }
    Ok(())
}

fn a_secured_cluster_is_written_by_scram_over_tls(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_secure()?, Host::start(database)?);
    Login::admin(kafka)?.add(&host, "lab", &[])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    let name = own("secured", database);
    apply(&host, &crate::documents::topic(&name, 2, &[("retention.ms", "7200000")]))?;
    let made = kafka.topic(&name)?.context("Kafka has the topic")?;
    assert_eq!((made.partitions, made.set("retention.ms")), (2, Some("7200000")));
    Ok(())
}

fn what_is_wrong_with_a_login_is_said(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_secure()?, Host::start(database)?);
    let admin = || Login::admin(kafka);
    let (plain, login) = (kafka.bootstrap()?, kafka.fact("BOOTSTRAP_SASL")?);
    let wrong = || Ok::<_, anyhow::Error>(Login { password: "wrong", ..admin()? });
    let cases = [
        ("wrong-password", wrong()?, "check `username` and `password`"),
        ("wrong-256", Login { mechanism: "SCRAM-SHA-256", ..wrong()? }, "check `username` and `password`"),
        ("wrong-plain", Login { mechanism: "PLAIN", ..wrong()? }, "check `username` and `password`"),
        ("no-authority", Login { ca: None, ..admin()? }, "set `ca` to its certificate"),
        (
            "no-identity",
            Login { security: "SSL", identity: None, ..admin()? }.at(kafka.fact("BOOTSTRAP_TLS")?),
            "set `identity`",
        ),
        ("plain-to-tls", Login { security: "PLAINTEXT", ..admin()? }, "set `security` to SSL or SASL_SSL"),
        ("tls-to-plain", admin()?.at(plain), "TLS"),
        (
            "plain-to-login",
            Login { security: "PLAINTEXT", ..admin()? }.at(login),
            "SASL_PLAINTEXT or SASL_SSL",
        ),
        (
            "login-to-plain",
            Login { security: "SASL_PLAINTEXT", ..admin()? }.at(plain),
            "set `security` to PLAINTEXT",
        ),
    ];
    for (cluster, login, part) in cases {
        let added = login.add(&host, cluster, &[])?;
        let failed = if added.code == 0 { host.cli(&["sync", cluster])? } else { added };
        assert_ne!(failed.code, 0, "{failed}");
        assert!(failed.stderr.contains(part), "no {part}: {failed}");
        assert!(!failed.stderr.contains(PASSWORD), "{failed}");
    }
    assert!(!host.logged()?.contains(PASSWORD), "the log holds the password");
    Ok(())
}

fn a_secret_is_never_shown(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_secure()?, Host::start(database)?);
    Login::admin(kafka)?.add(&host, "lab", &[])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    let shown = host.cli(&["cluster", "show", "lab", "-o", "json"])?;
    assert!(shown.ok()?.contains("password"), "that there is one is no secret: {shown}");
    let mut seen = vec![shown.stdout, host.logged()?];
    for path in ["/api/v1/clusters/lab", "/api/v1/events", "/api/v1/clusters/lab/policies", "/metrics"] {
        seen.push(host.api("GET", path, None)?.body.to_string());
    }
    for text in &seen {
        assert!(!text.contains(PASSWORD), "{text}");
    }
    for entry in std::fs::read_dir(host.data())? {
        let path = entry?.path();
        let holds = path.is_file()
            && std::fs::read(&path)?.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
        assert!(!holds, "{} holds the password", path.display());
    }
    Ok(())
}

fn a_secret_is_taken_from_standard_input(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_secure()?, Host::start(database)?);
    Login { password: "wrong", ..Login::admin(kafka)? }.add(&host, "lab", &[])?;
    let replaced = host.cli_with_input(&["cluster", "set", "lab", "--secret", "password=-"], PASSWORD)?;
    replaced.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    Ok(())
}

/// What `headgate cluster add` is told.
pub(crate) struct Login<'a> {
    security: &'a str,
    mechanism: &'a str,
    bootstrap: &'a str,
    password: &'a str,
    ca: Option<String>,
    identity: Option<String>,
}

impl<'a> Login<'a> {
    /// The super user by SCRAM over TLS: what a person would choose.
    pub(crate) fn admin(kafka: &'a Kafka) -> Result<Self> {
        let tls = kafka.folder()?.join("tls");
        Ok(Self {
            security: "SASL_SSL",
            mechanism: "SCRAM-SHA-512",
            bootstrap: kafka.fact("BOOTSTRAP_SASL_SSL")?,
            password: PASSWORD,
            ca: Some(std::fs::read_to_string(tls.join("ca.crt"))?),
            identity: Some(tls.join("admin.pem").to_string_lossy().into_owned()),
        })
    }

    fn at(self, bootstrap: &'a str) -> Self {
        Self { bootstrap, ..self }
    }

    pub(crate) fn add(&self, host: &Host, name: &str, more: &[&str]) -> Result<Output> {
        let Self { security, mechanism, bootstrap, .. } = self;
        let mut settings = vec![format!("bootstrap={bootstrap}"), format!("security={security}")];
        let mut secrets = Vec::new();
        if security.contains("SASL") {
            settings.extend([format!("mechanism={mechanism}"), "username=admin".to_owned()]);
            secrets.push(format!("password=@{}", host.file("password", self.password)?));
        } else if let Some(identity) = self.identity.as_ref().filter(|_| *security == "SSL") {
            secrets.push(format!("identity=@{identity}"));
        }
        if let Some(ca) = self.ca.as_ref().filter(|_| security.contains("SSL")) {
            settings.push(format!("ca={ca}"));
        }
        let mut arguments = vec!["cluster", "add", name, "--kind", "kafka"];
        arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        arguments.extend(secrets.iter().flat_map(|secret| ["--secret", secret]));
        arguments.extend(more);
        host.cli(&arguments)
    }
}
