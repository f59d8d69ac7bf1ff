//! `headgate token`: who may call the API.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, to_value};
use ureq::http::Method;

use super::word;
use crate::api::v1::tokens::{CreateToken, CreatedToken, RoleView, TokenView};
use crate::cli::client::encode;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Format, Output};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::time::moment;

const DAY_MS: i64 = 86_400_000;

/// Access tokens of the API
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  headgate token create dashboards --role reader
  HEADGATE_TOKEN=$(headgate token create ci --role owner --days 30) headgate plan list
  headgate token list
  headgate token revoke 0197c0de-…

A token is shown once, when it is made: the host keeps only its hash.")]
pub(in crate::cli) enum Token {
    /// Make a token, and print it: this once
    Create {
        /// For whom or what
        name: String,
        #[arg(long, default_value = "reader")]
        role: Role,
        /// Ends after so many days [default: never]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=36_500))]
        days: Option<i64>,
        #[command(flatten)]
        output: Output,
    },
    /// List the tokens, without their text
    List {
        #[command(flatten)]
        output: Output,
    },
    /// End a token at once
    Revoke { id: String },
}

#[derive(Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Role {
    /// May read and write
    Owner,
    /// May read
    Reader,
}

impl Token {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match self {
            Self::Create { name, role, days, output } => create(name, *role, *days, *output, session),
            Self::List { output } => list(*output, session),
            Self::Revoke { id } => {
                let path = format!("/tokens/{}", encode(id));
                session.client()?.call::<Value>(&Method::DELETE, &path, &[], None)?;
                session.terminal.line(format_args!("Revoked {id}."))?;
                Ok(Exit::Done)
            }
        }
    }
}

fn create(
    name: &str,
    role: Role,
    days: Option<i64>,
    output: Output,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let role = match role {
        Role::Owner => RoleView::Owner,
        Role::Reader => RoleView::Reader,
    };
    let expires_at_ms = days.map(|days| session.now_ms().saturating_add(days.saturating_mul(DAY_MS)));
    let body = to_value(CreateToken { name: name.to_owned(), role, expires_at_ms })
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let created: CreatedToken = session.client()?.post("/tokens", &body)?;
    if output.output == Format::Table {
        session.terminal.note(format_args!("Token {} ({name}). It is shown this once:", created.view.id))?;
        session.terminal.line(&created.token)?;
    } else {
        output.printed(&created, session.terminal)?;
    }
    Ok(Exit::Done)
}

fn list(output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let tokens: Vec<TokenView> = session.client()?.list("/tokens", &[], None)?;
    if output.printed(&tokens, session.terminal)? {
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["id", "name", "role", "made", "ends"]);
    for token in &tokens {
        table.row(vec![
            token.id.as_str().into(),
            token.name.as_str().into(),
            word(&token.role).into(),
            moment(token.created_at_ms).into(),
            token.expires_at_ms.map_or_else(|| "never".to_owned(), moment).into(),
        ]);
    }
    table.print("", session.terminal)?;
    Ok(Exit::Done)
}
