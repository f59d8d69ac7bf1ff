//! Plugins as an operator sees them: files on their way in, versions that serve, what became of them, what is remembered.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::contract::Grant;
use super::grant::{Given, GrantSource};
use super::signature::Signed;

/// Where a plugin's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The binary carries it; no file takes its place.
    Builtin,
    Directory,
}

/// How a kind, or a file that serves none yet, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// The file is there, or was written to a moment ago.
    Seen,
    /// It has kept still and is being read.
    Settled,
    /// Its size and first bytes are right.
    Verified,
    Compiled,
    /// What it imports is offered, what it exports is known.
    Typed,
    /// It said what it is.
    Described,
    /// Its types and operations make sense.
    Tested,
    /// It asks for more than the operator decided: it serves once that is decided.
    Waiting,
    /// It serves.
    Active,
    /// It stays out until the file changes.
    Refused,
    /// Somebody stopped it.
    Disabled,
    /// It failed on several clusters: calls are refused but for one probe at a time.
    Quarantined,
    /// Its file is gone.
    Removed,
}

/// Why a file was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefusedFile {
    pub file: String,
    /// Of what was refused; absent where it could not be read.
    pub digest: Option<String>,
    /// `read`, `verify`, `compile`, `link`, `describe`, `test`, `activate` or `serve`.
    pub stage: String,
    pub expected: String,
    pub found: String,
    pub advice: String,
}

/// A version that may serve once the operator decided on what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WaitingFile {
    pub file: String,
    pub digest: String,
    pub version: String,
    /// All that its manifest asks for.
    pub asks: Vec<Grant>,
    /// What of it nobody has decided on.
    pub more: Vec<Grant>,
}

/// What the version that serves may reach, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Granted {
    pub given: Given,
    pub source: GrantSource,
    /// Who decided, where somebody did.
    pub by: Option<String>,
    pub at_ms: Option<i64>,
    /// The content that it was decided for.
    pub digest: Option<String>,
    pub version: Option<String>,
}

/// A version that served, or serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PluginVersion {
    /// Of the component, lower-case hexadecimal SHA-256.
    pub digest: String,
    pub version: String,
    pub file: String,
    pub since_ms: i64,
    /// As it was signed when it was loaded last.
    #[serde(default)]
    pub signature: Option<Signed>,
    /// What made it, by its own word.
    #[serde(default)]
    pub toolchain: Vec<String>,
}

/// Who stopped a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Stopped {
    /// `token:NAME`, or `headgate`.
    pub by: String,
    pub at_ms: i64,
}

/// A version that was taken back, and stays out until its file changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TakenBack {
    pub digest: String,
    pub version: String,
    pub reason: String,
    /// `token:NAME`, or `headgate`.
    pub by: String,
    pub at_ms: i64,
}

/// What is remembered of a kind from one life of the host to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRecord {
    pub kind: String,
    /// Counts the changes of the version that serves.
    pub generation: u64,
    /// The one that serves first; the others are what a rollback goes to.
    pub versions: Vec<PluginVersion>,
    pub taken_back: Vec<TakenBack>,
    pub disabled: Option<Stopped>,
}

/// Versions that are remembered of a kind: the one that serves, and three to go back to.
pub const VERSIONS_MAX: usize = 4;

/// Versions that are remembered as taken back; older ones may come in again.
pub const TAKEN_BACK_MAX: usize = 20;

impl PluginRecord {
    pub fn of(kind: &str) -> Self {
        Self { kind: kind.to_owned(), ..Self::default() }
    }

    /// The version serves from now on. The same one again, after a restart or on another host, is no new generation.
    pub fn activate(&mut self, version: PluginVersion) {
        match self.versions.first_mut() {
            Some(first) if first.digest == version.digest => {
                (first.file, first.signature) = (version.file, version.signature);
                first.toolchain = version.toolchain;
            }
            Some(_) | None => {
                self.generation += 1;
                self.versions.retain(|known| known.digest != version.digest);
                self.versions.insert(0, version);
                self.versions.truncate(VERSIONS_MAX);
            }
        }
    }

    /// The version that serves makes room for the one before it. `None`: there is none.
    pub fn take_back(&mut self, reason: &str, by: &str, at_ms: i64) -> Option<PluginVersion> {
        if self.versions.len() < 2 {
            return None;
        }
        let PluginVersion { digest, version, .. } = self.versions.remove(0);
        let (reason, by) = (reason.to_owned(), by.to_owned());
        self.taken_back.retain(|known| known.digest != digest);
        self.taken_back.insert(0, TakenBack { digest, version, reason, by, at_ms });
        self.taken_back.truncate(TAKEN_BACK_MAX);
        self.generation += 1;
        self.versions.first().cloned()
    }

    /// Another host keeps the record. Where both serve the same it is that one's as it stands, so that the generation is the
    /// same too; until then what it stopped and took back holds here as well.
    pub fn follow(&mut self, kept: &Self, serving: Option<&str>) {
        let last = kept.versions.first().map(|version| version.digest.as_str());
        if serving.is_none() || serving == last {
            self.clone_from(kept);
        } else {
            self.disabled.clone_from(&kept.disabled);
            self.taken_back.clone_from(&kept.taken_back);
        }
    }

    pub fn was_taken_back(&self, digest: &str) -> Option<&TakenBack> {
        self.taken_back.iter().find(|known| known.digest == digest)
    }
}

/// What a version was asked since it began to serve on this host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Traffic {
    pub calls: u64,
    /// The plugin's own: traps, limits, broken answers. What a backend refused is no failure.
    pub failures: u64,
    /// Open instances.
    pub sessions: u64,
    /// Calls that wait for their session.
    pub queued: u64,
}

/// An earlier version that still ends what it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Draining {
    pub digest: String,
    pub version: String,
    pub sessions: u64,
}

/// What a host on the same database serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HostVersion {
    pub host: String,
    pub digest: String,
    pub version: String,
    pub seen_at_ms: i64,
}

/// One kind, or one file that serves none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PluginStatus {
    /// Absent where a file has not said it.
    pub kind: Option<String>,
    pub origin: Origin,
    /// Absent for a built-in plugin.
    pub file: Option<String>,
    pub state: PluginState,
    /// In one sentence, where the state needs one.
    pub reason: Option<String>,
    pub digest: Option<String>,
    pub version: Option<String>,
    /// Of the file that serves; absent for a built-in plugin, and where nothing serves.
    #[serde(default)]
    pub signature: Option<Signed>,
    /// What made it, by its own word: it proves nothing.
    #[serde(default)]
    pub toolchain: Vec<String>,
    pub generation: u64,
    /// When this version began to serve.
    pub since_ms: Option<i64>,
    /// What lies in the file and was not taken; an earlier version may serve beside it.
    pub refusal: Option<RefusedFile>,
    /// What lies in the file and asks for more than was decided; an earlier version may serve beside it.
    #[serde(default)]
    pub waiting: Option<WaitingFile>,
    /// What the manifest of the version that serves asks for.
    #[serde(default)]
    pub asks: Vec<Grant>,
    /// Absent where nothing serves.
    #[serde(default)]
    pub granted: Option<Granted>,
    pub traffic: Traffic,
    pub draining: Vec<Draining>,
    /// What a rollback goes to, the next one first.
    pub earlier: Vec<PluginVersion>,
    pub taken_back: Vec<TakenBack>,
    /// Clusters whose calls are refused after failures of the plugin on them alone.
    pub isolated: Vec<String>,
    /// All hosts on this database that were heard of lately.
    pub hosts: Vec<HostVersion>,
    /// Whether all of them serve the same.
    pub agreed: bool,
}

/// Whom a failure is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Charge {
    /// It happened, and nothing was stopped for it.
    Call,
    /// The cluster's calls are refused for a while.
    Session,
    /// The plugin is quarantined.
    Plugin,
}

/// One failure of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Incident {
    pub id: String,
    pub kind: String,
    pub digest: String,
    pub version: String,
    /// Name of the cluster; absent for a call that decides.
    pub cluster: Option<String>,
    pub call: String,
    /// `trap`, `cpu`, `wall`, `memory`, `protocol`, `host-panic` or `room`.
    pub failure: String,
    pub message: String,
    /// Names of functions, innermost first.
    pub backtrace: Vec<String>,
    /// The plugin's last log lines for this cluster.
    pub lines: Vec<String>,
    pub charge: Charge,
    pub at_ms: i64,
    /// Of the version that failed.
    #[serde(default)]
    pub signature: Option<Signed>,
    #[serde(default)]
    pub toolchain: Vec<String>,
}

/// How semantic versioning orders two versions; `None` where one of them is none.
pub fn compare_versions(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (Semantic::parse(one)?, Semantic::parse(other)?);
    Some(one.numbers.cmp(&other.numbers).then_with(|| match (one.pre.is_empty(), other.pre.is_empty()) {
        (true, true) => Ordering::Equal,
        // A release comes after its own prereleases.
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => compare_prereleases(one.pre, other.pre),
    }))
}

struct Semantic<'a> {
    numbers: [u64; 3],
    pre: &'a str,
}

impl<'a> Semantic<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.split('+').next()?;
        let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
        let mut parts = numbers.split('.').map(|part| part.parse::<u64>().ok());
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(Self { numbers, pre })
    }
}

/// Field by field: numbers as numbers and before words; more fields come after fewer.
fn compare_prereleases(one: &str, other: &str) -> Ordering {
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        let (one, other) = match (ones.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(other)) => (one, other),
        };
        let order = match (one.parse::<u64>(), other.parse::<u64>()) {
            (Ok(one), Ok(other)) => one.cmp(&other),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => one.cmp(other),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(digest: &str) -> PluginVersion {
        PluginVersion {
            digest: digest.to_owned(),
            version: "0.1.0".to_owned(),
            file: "a.wasm".to_owned(),
            since_ms: 1,
            ..PluginVersion::default()
        }
    }

    fn digests(record: &PluginRecord) -> Vec<&str> {
        record.versions.iter().map(|known| known.digest.as_str()).collect()
    }

    #[test]
    fn versions_are_ordered_as_semantic_versioning_says() {
        let order =
            ["0.9.9", "1.0.0-1", "1.0.0-2", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0", "1.0.1", "1.10.0"];
        for pair in order.windows(2) {
            assert_eq!(compare_versions(pair[0], pair[1]), Some(Ordering::Less), "{pair:?}");
            assert_eq!(compare_versions(pair[1], pair[0]), Some(Ordering::Greater), "{pair:?}");
        }
        assert_eq!(compare_versions("1.0.0+a", "1.0.0+b"), Some(Ordering::Equal));
        assert_eq!(compare_versions("1.0", "1.0.0"), None);
    }

    #[test]
    fn a_generation_is_counted_once_for_each_change_and_few_versions_are_remembered() {
        let mut record = PluginRecord::of("toy");
        for digest in ["a", "b", "b", "c", "d", "e"] {
            record.activate(version(digest));
        }
        assert_eq!((record.generation, digests(&record)), (5, vec!["e", "d", "c", "b"]));
    }

    #[test]
    fn what_is_taken_back_is_remembered_and_the_one_before_it_serves() {
        let mut record = PluginRecord::of("toy");
        record.activate(version("a"));
        assert_eq!(record.take_back("it failed", "headgate", 5), None, "there is nothing to go back to");
        record.activate(version("b"));
        let next = record.take_back("it failed", "headgate", 5);
        assert_eq!((next, record.generation), (Some(version("a")), 3));
        assert!(record.was_taken_back("b").is_some() && record.was_taken_back("a").is_none());
    }

    #[test]
    fn two_hosts_come_to_one_generation_once_they_serve_the_same() {
        let mut kept = PluginRecord::of("toy");
        for digest in ["a", "b", "c"] {
            kept.activate(version(digest));
        }
        let mut own = PluginRecord::of("toy");
        own.activate(version("a"));
        kept.disabled = Some(Stopped { by: "token:ann".to_owned(), at_ms: 1 });
        own.follow(&kept, Some("a"));
        assert_eq!((own.generation, digests(&own), own.disabled.is_some()), (1, vec!["a"], true));
        own.activate(version("c"));
        own.follow(&kept, Some("c"));
        assert_eq!(own, kept);
        let mut without_a_file = PluginRecord::of("toy");
        without_a_file.follow(&kept, None);
        assert_eq!(without_a_file, kept);
    }
}
