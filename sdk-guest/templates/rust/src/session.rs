//! One session with one server of the notes API:
//!
//! ```text
//! GET /about            {"id": "…", "version": "1.2.3"}
//! GET /notes            [{"name", "text", "tags", "version", "modified_at"}]
//! GET|PUT|DELETE /notes/NAME
//! ```

use headgate_sdk::address;
use headgate_sdk::http::{Auth, Request, Response};
use headgate_sdk::json::{self, Value, json};
use headgate_sdk::secrets::{self, Secret};
use headgate_sdk::{
    Action, Check, Cluster, Error, ErrorKind, Health, Lookup, Node, Outcome, Page, Place, Query, Resource,
    ResourceKey, Result, StorageDriver, Target, Write, Written,
};
use serde::Deserialize;

use crate::types::NOTE;

const PORT: u16 = 8080;

/// Of a page that the host asks for without a limit.
const PAGE_ROWS_MAX: usize = 1_000;

/// The plugin, bound to one server.
pub struct MyKind {
    address: String,
    token: Option<Secret>,
}

#[derive(Deserialize)]
struct Form {
    address: String,
    token: Option<String>,
}

#[derive(Deserialize)]
struct About {
    id: String,
    version: String,
}

#[derive(Deserialize)]
struct Note {
    name: String,
    text: String,
    tags: Vec<String>,
    version: u64,
    modified_at: String,
}

impl StorageDriver for MyKind {
    fn open(target: &Target) -> Result<Self> {
        let form: Form = json::parse(&target.connection, "read the connection form")?;
        let server = address::parse(form.address.trim(), PORT);
        let server = server.ok_or_else(|| Error::invalid_argument("`address` is not HOST:PORT"))?;
        let token = form.token.as_deref().map(secrets::get).transpose()?;
        Ok(Self { address: address::shown(&server), token })
    }

    /// Cheap enough for every few seconds.
    fn probe(&mut self) -> Result<Vec<Check>> {
        let _about: About = self.ask("/about")?;
        let (name, place) = ("about".to_owned(), Place::Cluster);
        Ok(vec![Check { name, place, health: Health::Up, latency_us: None, message: None }])
    }

    fn discover(&mut self) -> Result<Cluster> {
        let about: About = self.ask("/about")?;
        let node = Node {
            id: self.address.clone(),
            roles: vec!["server".to_owned()],
            group: None,
            rank: 0,
            addresses: vec![("http".to_owned(), self.address.clone())],
            version: Some(about.version.clone()),
            rack: None,
            health: Health::Up,
            facts: json::text(&json!({})),
        };
        let facts = json::text(&json!({"nodes": 1, "version": about.version}));
        Ok(Cluster {
            identity: Some(about.id),
            version: Some(about.version),
            facts,
            nodes: vec![node],
            relations: Some(Vec::new()),
        })
    }

    /// In the order of names, cut where the host asks for it.
    fn list_resources(&mut self, query: &Query) -> Result<Page> {
        let mut notes: Vec<Note> = self.ask("/notes")?;
        notes.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        notes.retain(|note| query.cursor.as_ref().is_none_or(|after| note.name > *after));
        let limit = match query.limit as usize {
            0 => PAGE_ROWS_MAX,
            limit => limit.min(PAGE_ROWS_MAX),
        };
        let is_last = notes.len() <= limit;
        notes.truncate(limit);
        let next = notes.last().filter(|_| !is_last).map(|note| note.name.clone());
        let resources = notes.into_iter().map(resource).collect();
        Ok(Page { resources, failures: Vec::new(), next, version: None, extra: None })
    }

    fn get_resources(&mut self, keys: &[ResourceKey]) -> Result<Vec<Lookup>> {
        Ok(keys.iter().map(|key| self.get(key).unwrap_or_else(Lookup::Failed)).collect())
    }

    fn write_resources(&mut self, writes: &[Write], _: bool) -> Result<Vec<Outcome>> {
        Ok(writes.iter().map(|write| self.write(write)).collect())
    }
}

impl MyKind {
    fn get(&self, key: &ResourceKey) -> Result<Lookup> {
        let answer = self.request("GET", &path(key)?).send()?;
        if answer.status == 404 {
            return Ok(Lookup::Absent);
        }
        Ok(Lookup::Found(resource(answer.ok()?.json("read the note")?)))
    }

    /// An answer that was lost leaves the write unknown: the host reads it back before anything else.
    fn write(&self, write: &Write) -> Outcome {
        let request = match self.prepared(write) {
            Ok(request) => request,
            Err(refused) => return Outcome::Failed(refused),
        };
        match request.send() {
            Ok(answer) => written(write, answer).unwrap_or_else(Outcome::Failed),
            Err(lost) if matches!(lost.kind, ErrorKind::Unavailable | ErrorKind::Timeout) => {
                Outcome::Unknown(lost)
            }
            Err(refused) => Outcome::Failed(refused),
        }
    }

    fn prepared(&self, write: &Write) -> Result<Request<'_>> {
        let path = path(&write.key)?;
        let request = match &write.action {
            Action::Delete => self.request("DELETE", &path),
            Action::Create(spec) => {
                self.request("PUT", &path).header("if-none-match", "*").json(&note(spec)?)
            }
            Action::Replace(spec) => self.request("PUT", &path).json(&note(spec)?),
            Action::Edit(_) | Action::Run(_) => {
                return Err(Error::unsupported("a note is only written whole"));
            }
        };
        Ok(match &write.revision {
            Some(revision) => request.header("if-match", revision.clone()),
            None => request,
        })
    }

    fn ask<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T> {
        self.request("GET", path).send()?.ok()?.json(path)
    }

    fn request(&self, method: &str, path: &str) -> Request<'_> {
        let auth = self.token.as_ref().map_or(Auth::None, Auth::Bearer);
        Request::new(method, format!("http://{}{path}", self.address)).auth(auth)
    }
}

fn written(write: &Write, answer: Response) -> Result<Outcome> {
    let answer =
        answer.ok().map_err(|error| error.during(format_args!("write the note {}", write.key.id)))?;
    let revision = match write.action {
        Action::Delete => None,
        _ => Some(answer.json::<Note>("write the note")?.version.to_string()),
    };
    Ok(Outcome::Done(Written { id: None, revision, incarnation: None }))
}

fn note(spec: &str) -> Result<Value> {
    let spec: Value = json::parse(spec, "read the write")?;
    let tags = spec.get("tags").filter(|tags| !tags.is_null()).cloned();
    Ok(json!({"text": spec.get("text"), "tags": tags.unwrap_or_else(|| json!([]))}))
}

/// Whatever is neither letter nor digit is escaped: a name never becomes a path.
fn path(key: &ResourceKey) -> Result<String> {
    if key.metadata_type != NOTE {
        return Err(Error::invalid_argument(format_args!("there is no type {}", key.metadata_type)));
    }
    let escaped = key.id.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    Ok(format!("/notes/{}", escaped.collect::<String>()))
}

fn resource(mut note: Note) -> Resource {
    note.tags.sort_unstable();
    Resource {
        key: ResourceKey { metadata_type: NOTE.to_owned(), id: note.name, place: Place::Cluster },
        revision: Some(note.version.to_string()),
        incarnation: None,
        spec: json::text(&json!({"text": note.text, "tags": note.tags})),
        effective: None,
        status: json::text(&json!({"modified_at": note.modified_at})),
        internal: false,
        partial: false,
        extra: None,
    }
}
