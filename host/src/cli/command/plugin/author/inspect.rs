//! `headgate plugin inspect`: everything that a file tells of itself.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::check;
use crate::api::v1::kinds::{KindDetail, KindView};
use crate::cli::command::{kind, word};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Format, Output};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::terminal::Terminal;
use crate::kit::report::Look;
use crate::kit::wit;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    #[default]
    Table,
    Json,
    Yaml,
    /// The component's world, with the interfaces that it imports and exports
    Wit,
}

/// Show all that a plugin's file tells: connection form, types with their fields, operations, imports and exports
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate plugin inspect dist/wine-cellar.wasm
  headgate plugin inspect dist/wine-cellar.wasm -o json      schemas whole
  headgate plugin inspect dist/wine-cellar.wasm -o wit

Nothing is installed, and no cluster is asked.")]
pub(in crate::cli) struct Inspect {
    file: PathBuf,
    /// How it is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Form,
}

impl Inspect {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let bytes = check::read(&self.file)?;
        let format = match self.output {
            Form::Wit => return self.world(&bytes, session.terminal),
            Form::Table => Format::Table,
            Form::Json => Format::Json,
            Form::Yaml => Format::Yaml,
        };
        let look = check::look(&self.file, bytes, session)?;
        if let Some(refusal) = &look.report.refusal {
            return Err(Failure::Refused(refusal.to_string()));
        }
        let all = json!({
            "description": look.description, "types": look.types, "operations": look.operations,
            "imports": look.report.imports, "exports": look.report.exports, "digest": look.report.digest,
        });
        if (Output { output: format }).printed(&all, session.terminal)? {
            return Ok(Exit::Done);
        }
        tell(&look, session.terminal)
    }

    fn world(&self, bytes: &[u8], terminal: &mut Terminal) -> Result<Exit, Failure> {
        let text = wit::print(bytes).map_err(|error| {
            Failure::Refused(format!(
                "{} is no component: {error:#}; `headgate plugin check` says more",
                self.file.display()
            ))
        })?;
        terminal.text(&text)?;
        Ok(Exit::Done)
    }
}

fn tell(look: &Look, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let Some(description) = look.description.clone() else { return Ok(Exit::Refused) };
    let digest = look.report.digest.clone().unwrap_or_default();
    let detail = KindDetail { kind: KindView { description, digest }, types: look.types.clone() };
    kind::tell(&detail, terminal)?;
    for metadata_type in &look.types {
        terminal.line(format_args!("\nFields of {}", metadata_type.name))?;
        kind::fields(metadata_type).print("  ", terminal)?;
    }
    if !look.operations.is_empty() {
        terminal.line("\nOperations")?;
        let mut table = Table::new(&["operation", "title", "on", "destructive", "previewed"]);
        let yes = |holds: bool| if holds { "yes" } else { "" };
        for operation in &look.operations {
            let on = operation.metadata_type.clone().unwrap_or_else(|| word(&operation.scope));
            let (destructive, previewed) = (yes(operation.destructive), yes(operation.previewed));
            let (name, title) = (operation.name.as_str(), operation.title.as_str());
            table.row(vec![name.into(), title.into(), on.into(), destructive.into(), previewed.into()]);
        }
        table.print("  ", terminal)?;
    }
    for (title, names) in [("Imports", &look.report.imports), ("Exports", &look.report.exports)] {
        terminal.line(format_args!("\n{title}"))?;
        for name in names {
            terminal.line(format_args!("  {name}"))?;
        }
    }
    Ok(Exit::Done)
}
