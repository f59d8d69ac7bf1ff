//! What a plugin is tried with: a file, a connection with its secrets, wishes, a cassette.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use zeroize::Zeroizing;

use super::Test;
use crate::cli::documents;
use crate::cli::failure::Failure;
use crate::cli::locate::variable;
use crate::cli::session::Session;
use crate::cli::settings;
use crate::cli::terminal::Terminal;
use crate::conformance::wish::Wish;
use crate::conformance::{Backend, File, Given, Way};
use crate::domain::schema;
use crate::plugins::alone::Alone;
use crate::plugins::builtin::builtin;
use crate::plugins::driver::Secrets;
use crate::plugins::tape::Recorder;
use crate::plugins::tape::cassette::Cassette;

/// A component by its path, or of the plugins that the binary carries.
pub(super) fn file(path: &Path) -> Result<File, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match std::fs::read(path) {
        Ok(bytes) => Ok(File { name, bytes }),
        Err(source) => {
            let known = builtin().into_iter().find(|(kind, _)| path.as_os_str() == *kind);
            let found = known.map(|(kind, bytes)| File { name: kind.to_owned(), bytes: bytes.to_vec() });
            found.ok_or_else(|| Failure::File { path: path.to_owned(), source })
        }
    }
}

impl Test {
    pub(super) async fn given(
        &self,
        alone: &Alone,
        file: &File,
        session: &mut Session<'_>,
    ) -> Result<Given, Failure> {
        let only = self.only.clone();
        if let Some(path) = &self.cassette {
            let cassette = cassette(path)?;
            let kind = self.description(alone, file).await.map(|(kind, _)| kind);
            if let Some(kind) = kind.filter(|kind| *kind != cassette.header.kind) {
                let recorded = &cassette.header.kind;
                let text =
                    format!("{} is a recording of `{recorded}`, the plugin is `{kind}`", path.display());
                return Err(Failure::Input(text));
            }
            let (backend, wishes) = Backend::played(cassette);
            return Ok(Given { backend: Some(backend), wishes, only });
        }
        let wishes = if self.wish.is_empty() { Vec::new() } else { wishes(&self.wish, session.terminal)? };
        if self.connection.is_empty() {
            return Ok(Given { backend: None, wishes, only });
        }
        // Where it does not load, that is what is told, not what its form would say.
        let Some((_, form)) = self.description(alone, file).await else {
            return Ok(Given { backend: None, wishes, only });
        };
        let backend = self.backend(&form, session.terminal)?;
        Ok(Given { backend: Some(backend), wishes, only })
    }

    /// Kind and connection form.
    async fn description(&self, alone: &Alone, file: &File) -> Option<(String, Value)> {
        let examined = alone.examine(&file.name, file.bytes.clone()).await;
        let version = examined.version.ok()?;
        let description = version.description();
        Some((description.kind.clone(), description.connection.clone()))
    }

    fn backend(&self, form: &Value, terminal: &mut Terminal) -> Result<Backend, Failure> {
        let (settings, files): (Vec<_>, Vec<_>) = self
            .connection
            .iter()
            .cloned()
            .partition(|given| given.contains('=') && !Path::new(given).exists());
        let mut sources: Vec<String> = Vec::new();
        let mut connection = settings::connection(&settings, form)?;
        for path in files {
            let (base, secrets) = document(&PathBuf::from(path), form, terminal)?;
            connection = crate::domain::fields::overlay(&base, &connection);
            sources.extend(secrets);
        }
        sources.extend(self.secret.iter().cloned());
        let secrets = settings::secrets(&sources, &variable, terminal)?;
        if let Some(fields) = connection.as_object_mut() {
            // As the host keeps it: a secret's field holds its own name.
            secrets.keys().for_each(|name| drop(fields.insert(name.clone(), Value::from(name.as_str()))));
        }
        let validator = schema::validator(form).map_err(Failure::Failed)?;
        if let Some(error) = validator.iter_errors(&connection).next() {
            let place = error.instance_path().to_string();
            return Err(Failure::Input(format!(
                "--connection: {place}{} {error}",
                if place.is_empty() { "" } else { ":" }
            )));
        }
        if self.record.is_some() {
            for (name, value) in &secrets {
                Recorder::check_secret(name, value.as_bytes(), &connection)
                    .map_err(|error| Failure::Input(format!("--record: {error}")))?;
            }
        }
        let opened = |(name, value): (String, String)| (name, Zeroizing::new(value.into_bytes()));
        let secrets: BTreeMap<_, _> = secrets.into_iter().map(opened).collect();
        let way = if self.record.is_some() { Way::Record } else { Way::Live };
        Ok(Backend { connection, secrets: Secrets(Arc::new(secrets)), way })
    }
}

/// `connection` and `secrets` of a cluster's document, or a form by itself.
fn document(path: &PathBuf, form: &Value, terminal: &mut Terminal) -> Result<(Value, Vec<String>), Failure> {
    let mut documents = documents::values(std::slice::from_ref(path), terminal)?;
    if documents.len() != 1 {
        return Err(Failure::Input(format!(
            "{}: it holds {} documents, one is wanted",
            path.display(),
            documents.len()
        )));
    }
    let Some((origin, document)) = documents.pop() else { return Ok((Value::Null, Vec::new())) };
    let connection = document.get("connection").cloned().unwrap_or_else(|| document.clone());
    if let Some(field) = settings::open_secret(&connection, form) {
        return Err(Failure::Input(format!(
            "{origin}: `{field}` is a secret, and stands in the open; write `secrets: {{{field}: SOURCE}}`, where SOURCE is \
             @FILE, - (standard input) or env:NAME"
        )));
    }
    let secrets = document.get("secrets").and_then(Value::as_object);
    let source = |(name, source): (&String, &Value)| Some(format!("{name}={}", source.as_str()?));
    Ok((connection, secrets.into_iter().flatten().filter_map(source).collect()))
}

fn wishes(files: &[PathBuf], terminal: &mut Terminal) -> Result<Vec<Wish>, Failure> {
    let read = |(origin, mut document): (String, Value)| {
        // A document names its cluster; here there is only one.
        if let Some(fields) = document.as_object_mut() {
            fields.remove("cluster");
        }
        serde_json::from_value(document).map_err(|error| Failure::Input(format!("{origin}: {error}")))
    };
    documents::values(files, terminal)?.into_iter().map(read).collect()
}

fn cassette(path: &Path) -> Result<Cassette, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Failure::File { path: path.to_owned(), source })?;
    Cassette::parse(&text).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
}
