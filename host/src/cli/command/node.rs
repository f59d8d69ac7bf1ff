//! `headgate node`: of what a cluster consists, and nodes that a person names.

use clap::{Args, Subcommand};
use serde_json::{Value, to_value};
use ureq::http::Method;

use super::{cluster_path, word};
use crate::api::v1::nodes::{NameNode, NodeView};
use crate::cli::client::encode;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::{Cell, Table};
use crate::cli::terminal::Tone;
use crate::cli::time::age;
use crate::domain::address::{Side, Way};
use crate::domain::cluster::Health;
use crate::domain::source::Source;

/// The nodes of a cluster: found, or named by hand
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  headgate node list -c pay
  headgate node add 10.0.0.7:10911 -c pay --role broker      a broker that calls no name server of the connection
  headgate node add zk-9:2181 -c zk --id 9                   a server of which the ensemble tells no client port
  headgate node remove 10.0.0.7:10911 -c pay

A named node is one more address to begin at, and a member where the backend does not tell of it. It stays through every
discovery; where discovery shows the same address or id, it stands once, told by both.")]
pub(in crate::cli) enum Node {
    /// List the nodes with their addresses: inside → outside where a rule gives one
    List {
        /// Name of the cluster
        #[arg(short, long, value_name = "NAME")]
        cluster: String,
        #[command(flatten)]
        output: Output,
    },
    /// Name a node
    Add(Add),
    /// Take off a node that was named, or that discovery lost for good
    Remove {
        id: String,
        /// Name of the cluster
        #[arg(short, long, value_name = "NAME")]
        cluster: String,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Add {
    #[arg(value_name = "HOST:PORT")]
    address: String,
    /// Name of the cluster
    #[arg(short, long, value_name = "NAME")]
    cluster: String,
    /// The backend's own id of it, where that is known [default: its address]
    #[arg(long)]
    id: Option<String>,
    /// What it is; `headgate kind show KIND` lists the roles
    #[arg(long)]
    role: Vec<String>,
}

impl Node {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        match self {
            Self::List { cluster, output } => {
                let nodes: Vec<NodeView> = client.get(&format!("{}/nodes", cluster_path(cluster)), &[])?;
                if !output.printed(&nodes, session.terminal)? {
                    if nodes.is_empty() {
                        session
                            .terminal
                            .note(format_args!("No node is known. Look: headgate sync {cluster}"))?;
                    }
                    table(&nodes, "", session)?;
                }
            }
            Self::Add(Add { address, cluster, id, role }) => {
                let body = NameNode { id: id.clone(), address: address.clone(), roles: role.clone() };
                let body = to_value(body).map_err(|error| Failure::Failed(error.to_string()))?;
                let view: NodeView = client.post(&format!("{}/nodes", cluster_path(cluster)), &body)?;
                let also = if view.source == Source::Both { ", which was found already" } else { "" };
                session.terminal.line(format_args!("Named {} of {cluster}{also}.", view.node.id))?;
            }
            Self::Remove { id, cluster } => {
                let path = format!("{}/nodes/{}", cluster_path(cluster), encode(id));
                let _gone: Value = client.call(&Method::DELETE, &path, &[], None)?;
                session.terminal.line(format_args!("Took {id} off {cluster}."))?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Who told of them is shown where that is not discovery alone.
pub(super) fn table(nodes: &[NodeView], indent: &str, session: &mut Session<'_>) -> Result<(), Failure> {
    if nodes.is_empty() {
        return Ok(());
    }
    let by_hand = nodes.iter().any(|node| node.source != Source::Found);
    let mut head = vec!["node", "health", "roles", "group", "addresses", "rack", "version", "seen"];
    if by_hand {
        head.push("told by");
    }
    let mut table = Table::new(&head);
    for node in nodes {
        let tone = match node.node.health {
            Health::Up => Tone::Good,
            Health::Degraded => Tone::Waiting,
            Health::Down => Tone::Bad,
            Health::Unknown => Tone::Faint,
        };
        let seen = node.seen_at_ms.map_or_else(|| "never".to_owned(), |at_ms| age(at_ms, session.now_ms()));
        let mut row = vec![
            node.node.id.as_str().into(),
            Cell::toned(word(&node.node.health), tone),
            node.node.roles.join(", ").into(),
            node.node.group.as_deref().unwrap_or_default().into(),
            addresses(node).into(),
            node.node.rack.as_deref().unwrap_or_default().into(),
            node.node.version.as_deref().unwrap_or_default().into(),
            seen.into(),
        ];
        if by_hand {
            row.push(word(&node.source).into());
        }
        table.row(row);
    }
    Ok(table.print(indent, session.terminal)?)
}

fn addresses(node: &NodeView) -> String {
    let shown = |way: &Way| match (&way.outside, way.used) {
        (None, _) => way.inside.clone(),
        (Some(outside), Side::Outside) => format!("{} → {outside}", way.inside),
        (Some(outside), Side::Inside) => format!("{} (outside {outside})", way.inside),
    };
    node.ways.iter().map(shown).collect::<Vec<_>>().join(", ")
}
