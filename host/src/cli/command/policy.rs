//! `headgate policy show|set`: who decides, and within which limits.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, to_value};
use ureq::http::Method;

use super::{cluster_path, word};
use crate::cli::client::Client;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::domain::policy::{
    Authority, DivergencePolicy, DriftPolicy, IgnoreRule, Policy as Rules, PolicyEntry, PolicySubject,
};

/// Who decides on a cluster, a type or a resource, and within which limits
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  headgate policy show lab
  headgate policy set lab --drift propose --max-deletes 5
  headgate policy set lab topic --authority observe              a type can only narrow its cluster
  headgate policy set lab topic pay.events --protect true
  headgate policy set lab topic --divergence allow               copies on groups or nodes may differ
  headgate policy set lab topic --ignore '*#/config/retention.ms'
  headgate policy set lab --unset drift")]
pub(in crate::cli) enum Policy {
    /// Show the policies of a cluster, of a type of it, or of a resource
    Show {
        #[command(flatten)]
        subject: Lies,
        #[command(flatten)]
        output: Output,
    },
    /// Change a policy; what is not named stays
    Set(Box<Set>),
}

#[derive(Args)]
pub(in crate::cli) struct Lies {
    /// Name of the cluster
    name: String,
    /// Narrowed on a metadata type
    #[arg(value_name = "TYPE")]
    metadata_type: Option<String>,
    /// Narrowed on a resource
    id: Option<String>,
}

#[derive(Args)]
pub(in crate::cli) struct Set {
    #[command(flatten)]
    subject: Lies,
    /// observe, adopt or manage
    #[arg(long, value_parser = super::cluster::authority)]
    authority: Option<Authority>,
    /// show, propose or revert
    #[arg(long, value_parser = drift)]
    drift: Option<DriftPolicy>,
    /// Whether copies may differ: forbid or allow
    #[arg(long, value_parser = divergence)]
    divergence: Option<DivergencePolicy>,
    /// Refuse deletes until taken off
    #[arg(long, value_name = "BOOL")]
    protect: Option<bool>,
    /// Deletes of one plan at most
    #[arg(long, value_name = "N")]
    max_deletes: Option<u32>,
    /// Deletes of one plan at most, of the type's resources
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    max_deletes_percent: Option<u32>,
    /// Edits of one plan at most, of the type's resources
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    max_edits_percent: Option<u32>,
    /// Hide differences: a pattern of ids, and a JSON Pointer into the spec where one field is meant
    #[arg(long, value_name = "PATTERN[#/POINTER]")]
    ignore: Vec<String>,
    /// Say nothing here any more, so that the wider policy holds
    #[arg(long, value_name = "WHAT")]
    unset: Vec<Part>,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Authority,
    Drift,
    Divergence,
    Protect,
    MaxDeletes,
    MaxDeletesPercent,
    MaxEditsPercent,
    Ignore,
}

fn drift(text: &str) -> Result<DriftPolicy, String> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_error| "write show, propose or revert".to_owned())
}

fn divergence(text: &str) -> Result<DivergencePolicy, String> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_error| "write forbid or allow".to_owned())
}

impl Policy {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match self {
            Self::Show { subject, output } => {
                let mut entries = subject.entries(&session.client()?)?;
                entries.retain(|entry| subject.covers(&entry.subject));
                print(&entries, *output, session)
            }
            Self::Set(set) => set.run(session),
        }
    }
}

impl Lies {
    fn path(&self) -> String {
        format!("{}/policies", cluster_path(&self.name))
    }

    fn query(&self) -> Vec<(&str, &str)> {
        let mut query = Vec::new();
        query.extend(self.metadata_type.as_deref().map(|name| ("type", name)));
        query.extend(self.id.as_deref().map(|id| ("id", id)));
        query
    }

    fn subject(&self) -> PolicySubject {
        PolicySubject { metadata_type: self.metadata_type.clone(), id: self.id.clone() }
    }

    fn entries(&self, client: &Client) -> Result<Vec<PolicyEntry>, Failure> {
        client.get(&self.path(), &[])
    }

    /// What is narrower is shown too.
    fn covers(&self, subject: &PolicySubject) -> bool {
        let within = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        within(&self.metadata_type, &subject.metadata_type) && within(&self.id, &subject.id)
    }
}

impl Set {
    fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let subject = self.subject.subject();
        let stands = self.subject.entries(&client)?.into_iter().find(|entry| entry.subject == subject);
        let before = stands.map(|entry| entry.policy).unwrap_or_default();
        let policy = self.changed(before.clone())?;
        if policy == before {
            session.terminal.note("Nothing is changed: the policy says so already.")?;
            return Ok(Exit::Done);
        }
        let body = to_value(policy).map_err(|error| Failure::Failed(error.to_string()))?;
        let entry: PolicyEntry =
            client.call(&Method::PUT, &self.subject.path(), &self.subject.query(), Some(&body))?;
        print(&[entry], self.output, session)
    }

    fn changed(&self, mut policy: Rules) -> Result<Rules, Failure> {
        for part in &self.unset {
            match part {
                Part::Authority => policy.authority = None,
                Part::Drift => policy.drift = None,
                Part::Divergence => policy.divergence = None,
                Part::Protect => policy.protect = None,
                Part::MaxDeletes => policy.deletes_max = None,
                Part::MaxDeletesPercent => policy.deletes_percent_max = None,
                Part::MaxEditsPercent => policy.edits_percent_max = None,
                Part::Ignore => policy.ignore.clear(),
            }
        }
        policy.authority = self.authority.or(policy.authority);
        policy.drift = self.drift.or(policy.drift);
        policy.divergence = self.divergence.or(policy.divergence);
        policy.protect = self.protect.or(policy.protect);
        policy.deletes_max = self.max_deletes.or(policy.deletes_max);
        policy.deletes_percent_max = self.max_deletes_percent.or(policy.deletes_percent_max);
        policy.edits_percent_max = self.max_edits_percent.or(policy.edits_percent_max);
        for text in &self.ignore {
            let rule = rule(text)?;
            if !policy.ignore.contains(&rule) {
                policy.ignore.push(rule);
            }
        }
        Ok(policy)
    }
}

fn rule(text: &str) -> Result<IgnoreRule, Failure> {
    let (pattern, field) = match text.split_once('#') {
        Some((pattern, field)) => (pattern, Some(field)),
        None => (text, None),
    };
    if pattern.is_empty() || field.is_some_and(|field| !field.starts_with('/')) {
        return Err(Failure::Input(format!("--ignore {text}: write PATTERN or PATTERN#/JSON/POINTER")));
    }
    Ok(IgnoreRule { pattern: pattern.to_owned(), field: field.map(str::to_owned) })
}

fn print(entries: &[PolicyEntry], output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if output.printed(&entries, session.terminal)? {
        return Ok(Exit::Done);
    }
    if entries.is_empty() {
        session.terminal.note("No policy is set here: the wider one holds, or the default.")?;
        return Ok(Exit::Done);
    }
    let titles = [
        "type",
        "id",
        "authority",
        "drift",
        "divergence",
        "protect",
        "max deletes",
        "max deletes %",
        "max edits %",
        "ignore",
    ];
    let mut table = Table::new(&titles);
    for PolicyEntry { subject, policy } in entries {
        let number = |limit: Option<u32>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        let ignored: Vec<_> = policy
            .ignore
            .iter()
            .map(|rule| {
                format!(
                    "{}{}",
                    rule.pattern,
                    rule.field.as_ref().map(|field| format!("#{field}")).unwrap_or_default()
                )
            })
            .collect();
        table.row(vec![
            subject.metadata_type.as_deref().unwrap_or("(cluster)").into(),
            subject.id.as_deref().unwrap_or_default().into(),
            policy.authority.map(|authority| word(&authority)).unwrap_or_default().into(),
            policy.drift.map(|drift| word(&drift)).unwrap_or_default().into(),
            policy.divergence.map(|divergence| word(&divergence)).unwrap_or_default().into(),
            policy.protect.map(|protect| protect.to_string()).unwrap_or_default().into(),
            number(policy.deletes_max).into(),
            number(policy.deletes_percent_max).into(),
            number(policy.edits_percent_max).into(),
            ignored.join(", ").into(),
        ]);
    }
    table.print("", session.terminal)?;
    Ok(Exit::Done)
}
