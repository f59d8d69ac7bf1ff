//! `headgate cluster …`: what is registered.

mod add;
mod addresses;
mod preview;
mod show;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::{Value, json, to_value};
use ureq::http::Method;

use super::{cluster_path, word};
use crate::api::v1::clusters::{ChangeCluster, ClusterView};
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
  headgate cluster add prod-2 --like prod --set bootstrap=k9:9093     its settings and secrets, another address
  headgate cluster add -f clusters.yaml                               several at once
  headgate cluster set prod --secret password=env:KAFKA_PASSWORD
  headgate cluster set prod --map '*.kafka.svc:9092=*.example.com:19092'
  headgate cluster set prod --authority adopt --preview               what it would mean; nothing is changed
  headgate cluster remove prod --preview
  headgate cluster show lab

Secrets come from a file (@FILE), standard input (-) or the environment (env:NAME), never from the
command line itself. `headgate kind show KIND` lists the fields of the connection.

Nodes advertise the addresses that they know of themselves. Where the host cannot reach those, --map says what to dial
instead: INSIDE=OUTSIDE, the first that fits counts. A name without a port stands for all of its ports, `*` in front of a
name for any beginning, which the outside name may repeat. Certificates are still checked for the inside name.")]
pub(in crate::cli) enum Cluster {
    /// Register a cluster
    Add(add::Add),
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
    /// Change the connection, the secrets, the authority or the addresses; what is not named stays
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
        /// Show what would go with it, and do nothing
        #[arg(long, conflicts_with_all = ["yes", "despite"])]
        preview: bool,
        /// Without asking
        #[arg(long, short)]
        yes: bool,
    },
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
    /// Take a rule for addresses off, by its inside address
    #[arg(long, value_name = "INSIDE")]
    unmap: Vec<String>,
    /// Show what --authority would mean for what is there, and change nothing
    #[arg(long, requires = "authority", conflicts_with_all = ["set", "unset", "secret", "unset_secret", "map", "unmap", "prefer"])]
    preview: bool,
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
    #[command(flatten)]
    addresses: addresses::Addresses,
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
            Self::Remove { name, preview: true, .. } => {
                let view = preview::removal(&session.client()?, name)?;
                session.terminal.line(format_args!("Of {name} the host would forget:"))?;
                preview::print_removal(&view, session)?;
                Ok(Exit::Done)
            }
            Self::Remove { name, despite, yes, .. } => remove(name, despite.as_deref(), *yes, session),
        }
    }
}

impl Set {
    fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        if let Some(authority) = self.fields.authority.filter(|_| self.preview) {
            preview::authority(&client, &self.name, authority, self.output, session)?;
            return Ok(Exit::Done);
        }
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
            addresses: self.fields.addresses.changed(&view.cluster.addresses, &self.unmap)?,
        };
        if change == ChangeCluster::default() {
            let message = "nothing to change: give --set, --unset, --secret, --unset-secret, --authority, --map, --unmap \
                           or --prefer";
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
    let question = format!(
        "Forget {name} ({})? The cluster itself stays as it is, and the records of what was done.",
        view.cluster.kind
    );
    preview::print_removal(&preview::removal(&client, name)?, session)?;
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
