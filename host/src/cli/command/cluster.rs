//! `headgate cluster …`: what is registered.

mod show;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::{Value, json, to_value};
use ureq::http::Method;

use super::{cluster_path, word};
use crate::api::v1::clusters::{ChangeCluster, ClusterView, RegisterCluster};
use crate::cli::client::{Client, encode, nothing};
use crate::cli::failure::{Exit, Failure};
use crate::cli::locate::variable;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::settings;
use crate::domain::policy::Authority;

/// The registered clusters
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  headgate cluster add lab --kind kafka --set bootstrap=127.0.0.1:9092
  headgate cluster add prod --kind kafka --set bootstrap=k1:9093,k2:9093 --set security=SASL_SSL \\
      --set username=headgate --secret password=@/run/secrets/kafka --authority observe
  headgate cluster set prod --secret password=env:KAFKA_PASSWORD
  headgate cluster show lab

Secrets come from a file (@FILE), standard input (-) or the environment (env:NAME), never from the
command line itself. `headgate kind show KIND` lists the fields of the connection.")]
pub(in crate::cli) enum Cluster {
    /// Register a cluster
    Add(Add),
    /// List the clusters
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show a cluster: its connection, nodes, counts and sweeps
    Show {
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Change the connection, the secrets or the authority; what is not named stays
    Set(Set),
    /// Make no call to the cluster until it is resumed
    Pause { name: String },
    /// Work with a paused cluster again
    Resume { name: String },
    /// Accept that another cluster answers under the address: wishes stay, ownership ends
    Rebind {
        name: String,
        /// Without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Forget a cluster; the cluster itself is left as it is
    Remove {
        name: String,
        /// Clusters that stand on it, with commas between: it is not removed unless each is named
        #[arg(long, value_name = "NAME,…")]
        despite: Option<String>,
        /// Without asking
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Add {
    /// Lower case letters, digits and hyphens
    name: String,
    /// Kind of the cluster; `headgate kind list` shows them
    #[arg(long)]
    kind: String,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(in crate::cli) struct Set {
    name: String,
    #[command(flatten)]
    fields: Fields,
    /// Take a field out of the connection
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Forget a secret
    #[arg(long, value_name = "KEY")]
    unset_secret: Vec<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct Fields {
    /// A field of the connection, such as bootstrap=HOST:PORT; a dot leads into an object
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// A secret: KEY=@FILE, KEY=- (standard input) or KEY=env:NAME
    #[arg(long, value_name = "KEY=SOURCE")]
    secret: Vec<String>,
    /// observe writes nothing, ever; adopt begins with a proposal; manage touches what is wished for
    #[arg(long, value_name = "AUTHORITY", value_parser = authority)]
    authority: Option<Authority>,
}

pub(super) fn authority(text: &str) -> Result<Authority, String> {
    serde_json::from_value(json!(text)).map_err(|_error| "write observe, adopt or manage".to_owned())
}

impl Cluster {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match self {
            Self::Add(add) => add.run(session),
            Self::List { output } => show::list(*output, session),
            Self::Show { name, output } => show::one(name, *output, session),
            Self::Set(set) => set.run(session),
            Self::Pause { name } => turn(name, "pause", "is paused: no call is made to it", session),
            Self::Resume { name } => turn(name, "resume", "is worked with again", session),
            Self::Rebind { name, yes } => {
                let question =
                    format!("Take what answers under the address of {name} for {name} from now on?");
                if !agreed(&question, *yes, session)? {
                    return Ok(Exit::Refused);
                }
                turn(name, "rebind", "is bound to the cluster that answers now", session)
            }
            Self::Remove { name, despite, yes } => remove(name, despite.as_deref(), *yes, session),
        }
    }
}

impl Add {
    fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let body = RegisterCluster {
            name: self.name.clone(),
            kind: self.kind.clone(),
            connection: settings::connection(&self.fields.set, &form_of(&client, &self.kind)?)?,
            secrets: settings::secrets(&self.fields.secret, &variable, session.terminal)?,
            authority: self.fields.authority,
        };
        let body = to_value(body).map_err(|error| Failure::Failed(error.to_string()))?;
        let answer: Value = client.post("/clusters", &body)?;
        if !self.output.printed(&answer, session.terminal)? {
            let name = &self.name;
            session.terminal.line(format_args!(
                "Registered {name} ({}). Look at it: headgate sync {name}, headgate cluster show {name}",
                self.kind
            ))?;
        }
        Ok(Exit::Done)
    }
}

impl Set {
    fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let path = cluster_path(&self.name);
        let view: ClusterView = client.get(&path, &[])?;
        let mut connection = settings::connection(&self.fields.set, &form_of(&client, &view.cluster.kind)?)?;
        if let Value::Object(fields) = &mut connection {
            fields.extend(self.unset.iter().map(|key| (key.clone(), Value::Null)));
        }
        let opened = settings::secrets(&self.fields.secret, &variable, session.terminal)?;
        let mut secrets: BTreeMap<String, Option<String>> =
            opened.into_iter().map(|(key, secret)| (key, Some(secret))).collect();
        secrets.extend(self.unset_secret.iter().map(|key| (key.clone(), None)));
        let change = ChangeCluster {
            connection: Some(connection).filter(|fields| fields != &json!({})),
            secrets: Some(secrets).filter(|secrets| !secrets.is_empty()),
            authority: self.fields.authority,
        };
        if change.connection.is_none() && change.secrets.is_none() && change.authority.is_none() {
            let message = "nothing to change: give --set, --unset, --secret, --unset-secret or --authority";
            return Err(Failure::Input(message.to_owned()));
        }
        let body = to_value(change).map_err(|error| Failure::Failed(error.to_string()))?;
        let answer: Value = client.call(&Method::PATCH, &path, &[], Some(&body))?;
        if !self.output.printed(&answer, session.terminal)? {
            session.terminal.line(format_args!("Changed {}.", self.name))?;
        }
        Ok(Exit::Done)
    }
}

/// The kind's connection form, for the types of `--set`.
fn form_of(client: &Client, kind: &str) -> Result<Value, Failure> {
    let answer: Value = client.get(&format!("/kinds/{}", encode(kind)), &[])?;
    Ok(answer.get("connection").cloned().unwrap_or_default())
}

fn turn(name: &str, verb: &str, said: &str, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let view: ClusterView = session.client()?.post(&format!("{}/{verb}", cluster_path(name)), &nothing())?;
    session.terminal.line(format_args!("{name} {said}."))?;
    show::relations(&view, session)?;
    Ok(Exit::Done)
}

fn remove(name: &str, despite: Option<&str>, yes: bool, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let client = session.client()?;
    let view: ClusterView = client.get(&cluster_path(name), &[])?;
    let count: u64 = view.counts.iter().map(|count| count.count).sum();
    let question = format!(
        "Forget {name} ({}), its wishes, plans, operations, policies, relations and secrets, and what is known of its \
         {count} resources? The cluster itself stays as it is, and the records of what was done.",
        word(&view.cluster.kind)
    );
    show::relations(&view, session)?;
    if !agreed(&question, yes, session)? {
        return Ok(Exit::Refused);
    }
    let query: Vec<_> = despite.map(|names| ("despite", names)).into_iter().collect();
    client.call::<Value>(&Method::DELETE, &cluster_path(name), &query, None)?;
    session.terminal.line(format_args!(
        "Removed {name}. What was done to it stays on record: headgate record -c {name}"
    ))?;
    Ok(Exit::Done)
}

fn agreed(question: &str, yes: bool, session: &mut Session<'_>) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !session.terminal.asks() {
        return Err(Failure::Input("nobody can be asked here: give --yes".to_owned()));
    }
    let agreed = session.terminal.confirm(question)?;
    if !agreed {
        session.terminal.note("Nothing is changed.")?;
    }
    Ok(agreed)
}
