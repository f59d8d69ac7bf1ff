//! `headgate cluster add`: by address, by another's settings, by file.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, from_value, to_value};

use super::{Fields, form_of, preview, word};
use crate::api::v1::clusters::{ClusterView, RegisterCluster};
use crate::api::v1::nodes::NameNode;
use crate::cli::client::Client;
use crate::cli::command::cluster_path;
use crate::cli::documents;
use crate::cli::failure::{Exit, Failure};
use crate::cli::locate::variable;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::settings;
use crate::domain::policy::Authority;

const FILE_HELP: &str = "\
Examples:
  headgate cluster add lab --kind kafka --set bootstrap=127.0.0.1:9092
  headgate cluster add prod-2 --like prod --set bootstrap=k9:9093
  headgate cluster add lab --kind kafka --set bootstrap=gw:19092 --map broker-1:9092=gw:19092
  headgate cluster add lab --kind kafka --set bootstrap=127.0.0.1:9092 --authority adopt --preview
  headgate cluster add -f clusters.yaml

--like takes over kind, connection, secrets of the connection, authority, and the policies of the cluster and its types;
what is given beside it counts more. Address rules, named nodes, policies of single resources and secrets that only wishes
name are the other cluster's own, and stay there. Secrets are copied within the host, and never shown.

A file holds what the API takes, one document a cluster, with secrets by their sources:
  name: prod
  kind: kafka
  connection:
    bootstrap: k1:9093,k2:9093
    security: SASL_SSL
    mechanism: SCRAM-SHA-512
    username: headgate
  secrets:
    password: env:KAFKA_PASSWORD     # or @FILE, or - for standard input
  authority: observe
  addresses:
    rules:
      - {inside: k1.internal:9093, outside: gw.example.com:19093}
  nodes:
    - {address: k7:9093}
  ---
  name: prod-2
  like: prod
  connection: {bootstrap: k9:9093}";

#[derive(Args)]
#[command(after_help = FILE_HELP)]
pub(in crate::cli) struct Add {
    /// Lower case letters, digits and hyphens
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    name: Option<String>,
    /// Kind of the cluster; `headgate kind list` shows them
    #[arg(long, required_unless_present_any = ["like", "file"], conflicts_with = "file")]
    kind: Option<String>,
    /// Begin with the settings of this cluster
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    like: Option<String>,
    /// Clusters as documents: a file, a folder, or - for standard input
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["set", "secret", "authority", "map", "prefer", "node"])]
    file: Vec<PathBuf>,
    /// One more address to begin at, or a node that the backend does not tell of; `headgate node add` says more of it
    #[arg(long, value_name = "HOST:PORT")]
    node: Vec<String>,
    /// Register it under observe, look at it, and show what --authority would mean (manage where none is given)
    #[arg(long, conflicts_with = "file")]
    preview: bool,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    output: Output,
}

impl Add {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let Some(name) = &self.name else { return self.by_file(&client, session) };
        let kind = kind_of(&client, self.kind.as_deref(), self.like.as_deref())?;
        let node = |address: &String| NameNode { address: address.clone(), ..NameNode::default() };
        let body = RegisterCluster {
            name: name.clone(),
            kind: self.kind.clone(),
            like: self.like.clone(),
            connection: settings::connection(&self.fields.set, &form_of(&client, &kind)?)?,
            secrets: settings::secrets(&self.fields.secret, &variable, session.terminal)?,
            authority: if self.preview { Some(Authority::Observe) } else { self.fields.authority },
            addresses: self.fields.addresses.first()?,
            nodes: self.node.iter().map(node).collect(),
        };
        if !self.preview {
            return self.register(&client, &body, session);
        }
        let body = to_value(&body).map_err(|error| Failure::Failed(error.to_string()))?;
        let _registered: Value = client.post("/clusters", &body)?;
        let authority = self.fields.authority.unwrap_or_default();
        preview::authority(&client, name, authority, self.output, session)?;
        session.terminal.note(format_args!(
            "Registered {name} under observe. When it reads right: headgate cluster set {name} --authority {}",
            word(&authority)
        ))?;
        Ok(Exit::Done)
    }

    /// All documents are read and understood before the first cluster is registered.
    fn by_file(&self, client: &Client, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let mut bodies: Vec<RegisterCluster> = Vec::new();
        for (origin, document) in documents::values(&self.file, session.terminal)? {
            let mut body: RegisterCluster =
                from_value(document).map_err(|error| Failure::Input(format!("{origin}: {error}")))?;
            let earlier = body.like.as_ref().and_then(|like| bodies.iter().find(|other| other.name == *like));
            let kind = match earlier.and_then(|earlier| earlier.kind.clone()) {
                Some(kind) => kind,
                None => kind_of(client, body.kind.as_deref(), body.like.as_deref())?,
            };
            if let Some(field) = settings::open_secret(&body.connection, &form_of(client, &kind)?) {
                return Err(Failure::Input(format!(
                    "{origin}: `{field}` is a secret, and stands in the open; write `secrets: {{{field}: SOURCE}}`, where SOURCE \
                     is @FILE, - (standard input) or env:NAME"
                )));
            }
            let sources: Vec<String> =
                body.secrets.iter().map(|(key, source)| format!("{key}={source}")).collect();
            body.secrets = settings::secrets(&sources, &variable, session.terminal)
                .map_err(|failure| Failure::Input(format!("{origin}: {failure}")))?;
            bodies.push(body);
        }
        for body in &bodies {
            self.register(client, body, session)?;
        }
        Ok(Exit::Done)
    }

    fn register(
        &self,
        client: &Client,
        body: &RegisterCluster,
        session: &mut Session<'_>,
    ) -> Result<Exit, Failure> {
        let body_value = to_value(body).map_err(|error| Failure::Failed(error.to_string()))?;
        let answer: Value = client.post("/clusters", &body_value)?;
        if !self.output.printed(&answer, session.terminal)? {
            let (name, kind) = (&body.name, answer.get("kind").and_then(Value::as_str).unwrap_or_default());
            session.terminal.line(format_args!(
                "Registered {name} ({kind}). Look at it: headgate sync {name}, headgate cluster show {name}"
            ))?;
        }
        Ok(Exit::Done)
    }
}

/// As it is given, or as that of the model.
fn kind_of(client: &Client, kind: Option<&str>, like: Option<&str>) -> Result<String, Failure> {
    match (kind, like) {
        (Some(kind), _) => Ok(kind.to_owned()),
        (None, Some(like)) => Ok(client.get::<ClusterView>(&cluster_path(like), &[])?.cluster.kind),
        (None, None) => {
            Err(Failure::Input("`kind` is missing; or name with `like` a cluster to begin with".to_owned()))
        }
    }
}
